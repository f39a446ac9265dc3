/*
 * Attacks on exec (../shared/field.md 2.1): the container exists before the process that joins it, can watch it, and
 * controls every file it will open. Each test sets up what the attacker controls and asserts that nothing of the host was
 * reached.
 */
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mountsWithout, type Patch } from '../../harness/bundle.ts'
import { onTerminal } from '../../harness/console.ts'
import { readReport } from '../../harness/probe.ts'
import { runtime } from '../../harness/project.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const sum = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

interface Started {
  readonly id: string
  readonly rootfs: string
  /** Standard output of the container's first process. */
  readonly output: () => string
}

async function started(
  test: Test,
  box: Box,
  args: readonly string[],
  patch: Patch = {},
  prepare = (_rootfs: string) => {},
): Promise<Started> {
  const id = box.id()
  const bundle = box.bundle(
    { ...patch, process: { ...(patch.process as Patch), args: [...args] } },
    { name: `bundle-${id}` },
  )
  prepare(bundle.rootfs)
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id])
  if (result.status !== 0) throw new Error(`no container: ${result.status} ${result.stderr}`)
  test.pass('the container runs')
  box.defer(() => box.call(['delete', '--force', id]))
  return { id, rootfs: bundle.rootfs, output: () => result.later().stdout }
}

const everything = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
]
const dockerCaps = { bounding: everything, effective: everything, permitted: everything }

/**
 * Inspects every process but the first and itself and its children, as long as it runs, and prints what it can read of them: the
 * targets of descriptors, the executable, its memory.
 */
const watcher = `
echo watching
while :; do
  for p in /proc/[0-9]*; do
    case $p in /proc/1|/proc/$$) continue;; esac
    [ -r $p/environ ] || continue
    exe=$(readlink $p/exe) || continue
    case $exe in /bin/busybox|/bin/probe) continue;; esac
    echo "exe $exe"
    (: >>$p/exe) 2>/dev/null && echo "wrote $exe"
    (: <$p/mem) 2>/dev/null && echo "memory of $exe"
    for fd in $p/fd/* $p/map_files/* $p/cwd; do link=$(readlink $fd) && echo "link $fd $link"; done
  done
done 2>/dev/null`

for (const [name, capabilities] of [
  ['the usual capabilities', dockerCaps],
  ['none', {}],
] as const) {
  scenario(
    `CVE-2016-9962, CVE-2019-5736: a watching container with ${name} gets nothing of 200 execs`,
    {},
    async (t, box) => {
      const before = sum(runtime.path)
      const { id, output } = await started(t, box, ['sh', '-c', watcher], {
        process: { capabilities, noNewPrivileges: false },
      })
      await until(() => output().includes('watching'), 'the watcher')
      let failed = 0
      for (let n = 0; n < 200; n++) if (box.call(['exec', id, '/bin/probe', 'exit:0']).status !== 0) failed++
      t.equal(failed, 0)
      t.strictSame(
        output()
          .split('\n')
          .filter((line) => line !== '' && line !== 'watching'),
        [],
        'nothing was seen',
      )
      t.equal(sum(runtime.path), before, 'the executable is unchanged')
    },
  )
}

scenario('CVE-2019-5736: exec of /proc/self/exe does not run the runtime', {}, async (t, box) => {
  const before = sum(runtime.path)
  const { id } = await started(t, box, ['sleep', '1000'], {}, (rootfs) => {
    symlinkSync('/proc/self/exe', join(rootfs, 'bin/entry'))
    writeFileSync(join(rootfs, 'etc/entry'), '#!/proc/self/exe\n', { mode: 0o755 })
  })
  for (const program of ['/proc/self/exe', '/bin/entry', '/etc/entry']) {
    const result = box.call(['exec', id, program, '--version'])
    t.notMatch(result.stdout, /version \d/, program)
    t.not(result.status, 0, program)
  }
  t.equal(sum(runtime.path), before)
})

scenario(
  'CVE-2024-21626: leaked descriptors neither reach the process nor are a working directory',
  {},
  async (t, box) => {
    const secret = join(box.dir, 'secret')
    mkdirSync(secret)
    writeFileSync(join(secret, 'precious'), 'precious')
    const { id } = await started(t, box, ['sleep', '1000'])
    const fds = Array.from({ length: 50 }, () => openSync(secret, 'r'))
    box.defer(() => fds.forEach(closeSync))
    const report = readReport(box.call(['exec', id, '/bin/probe', 'fds'], { fds }))
    t.strictSame(
      report.lines('fds').map((line) => line.split(' ')[0]),
      ['0', '1', '2'],
    )
    for (let n = 3; n < 100; n++) {
      const result = box.call(['exec', '--cwd', `/proc/self/fd/${n}`, id, '/bin/probe', 'dir:.', 'dir:..'], { fds })
      t.notMatch(result.stdout, 'precious')
      t.equal(result.status, 255, `/proc/self/fd/${n}`)
    }
    const kept = box.call(['exec', '--preserve-fds', '5', '--cwd', '/proc/self/fd/4', id, '/bin/probe', 'dir:.'], {
      fds,
    })
    t.equal(kept.status, 255, 'not even one that is handed over')
  },
)

scenario('CVE-2016-3697: a user of the image with the name 1000', {}, async (t, box) => {
  const { id } = await started(t, box, ['sleep', '1000'], {}, (rootfs) => {
    writeFileSync(join(rootfs, 'etc/passwd'), '1000:x:0:0:root:/evil:/bin/sh\nnobody:x:1000:1000::/home/real:/bin/sh\n')
    writeFileSync(join(rootfs, 'etc/group'), '1000:x:0:\n')
  })
  const report = readReport(box.call(['exec', '-u', '1000:1000', '-g', '1000', id, '/bin/probe', 'process', 'env']))
  t.match(report.pairs('process'), { uid: '1000 1000', gid: '1000 1000', groups: '1000' })
  t.ok(report.lines('env').includes('HOME=/home/real'), 'the home of the number')
})

scenario('CVE-2025-27612, CVE-2022-29162: exec gets no more capabilities than run', {}, async (t, box) => {
  const topic = 'file:/proc/self/status'
  for (const patch of [
    {},
    { process: { capabilities: dockerCaps } },
    { process: { capabilities: undefined } },
  ] as const) {
    const { id } = await started(t, box, ['/bin/probe', topic, 'pause'], patch)
    const first = box.state(id)?.pid
    await until(() => readlinkSync(`/proc/${first}/exe`).endsWith('/bin/probe'), 'the first process')
    const own = readFileSync(`/proc/${first}/status`, 'utf8').match(/^Cap.*$/gm)
    t.strictSame(box.call(['exec', id, '/bin/probe', topic]).stdout.match(/^Cap.*$/gm), own)
    t.match(own?.[0], 'CapInh:\t0000000000000000')
  }
})

scenario('exec gets a terminal of the container’s devpts or none', {}, async (t, box) => {
  const { id } = await started(t, box, ['sleep', '1000'], {
    mounts: [...mountsWithout('/dev/pts')],
    root: { readonly: false },
  })
  const missing = box.call(['exec', '-t', id, '/bin/probe', 'terminal'], { wrap: onTerminal(24, 80) })
  t.not(missing.status, 0, 'no devpts')
  const script = 'mkdir -p /tmp/fake; : >/tmp/fake/ptmx; rmdir /dev/pts; ln -s /tmp/fake /dev/pts'
  box.call(['exec', id, 'sh', '-c', script])
  const faked = box.call(['exec', '-t', id, '/bin/probe', 'terminal'], { wrap: onTerminal(24, 80) })
  t.not(faked.status, 0, 'a file that is called ptmx')
  t.notMatch(faked.stdout, /controlling ok/)
})

scenario('a fifo or device as /etc/passwd does not block exec', {}, async (t, box) => {
  const { id, rootfs } = await started(t, box, ['sleep', '1000'], { root: { readonly: false } })
  box.call(['exec', id, 'sh', '-c', 'rm /etc/passwd; mkfifo /etc/passwd'])
  t.not(rootfs, '')
  t.match(box.call(['exec', id, 'echo', 'executed']), { status: 0, stdout: 'executed\n' })
})
