/*
 * --preserve-fds: the caller's open descriptors with these numbers are passed with their numbers, and no others. A gap must not be
 * filled by a descriptor of the runtime: that would give the container access to the host (CVE-2024-21626).
 */
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Patch, patched } from '../../harness/bundle.ts'
import { openConsole } from '../../harness/console.ts'
import { probing, type Report, readReport } from '../../harness/probe.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, type Result, scenario, until } from '../../harness/scenario.ts'

const peers = { runc: '1.1 refuses gaps' }

/** The caller has the file open with each of these numbers, and nothing else. */
const holding = (file: string, numbers: readonly number[]): readonly string[] => [
  'bash',
  '-c',
  `for fd in /proc/$$/fd/*; do fd=\${fd##*/}; [ $fd -lt 3 ] || eval "exec $fd>&-"; done
  exec "$@" ${numbers.map((n) => `${n}<${file}`).join(' ')}`,
  'bash',
]

const numbersOf = (report: Report): number[] => report.lines('fds').map((line) => Number(line.split(' ')[0]))

function makeFile(box: Box): string {
  const file = join(box.dir, 'passed')
  writeFileSync(file, 'passed')
  return file
}

/**
 * A config for which the runtime opens many descriptors: mounts with a user namespace, hooks, a listener, id mappings.
 */
function crowded(box: Box): Patch {
  const mapping = [{ containerID: 0, hostID: 0, size: 65536 }]
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((type) => ({ type }))
  const binds = Array.from({ length: 12 }, (_, i) => ({
    destination: `/tmp/bind-${i}`,
    type: 'bind',
    source: box.dir,
    options: ['rbind'],
  }))
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/tmp', type: 'tmpfs' },
    ...binds,
  ]
  const hook = [{ path: '/bin/true' }]
  return {
    root: { path: 'rootfs', readonly: false },
    hooks: { createRuntime: hook, createContainer: hook, startContainer: hook },
    mounts,
    linux: { namespaces, uidMappings: mapping, gidMappings: mapping, resources: undefined },
  }
}

type Call = (count: number, wrap: readonly string[]) => Promise<Result>

const commands: Readonly<Record<string, (box: Box, patch: Patch) => Call>> = {
  run: (box, patch) => {
    const { dir } = box.bundle(patched(patch, probing(['fds'])) as Patch, { name: box.id() })
    return async (count, wrap) =>
      box.call(['run', '--preserve-fds', String(count), '--bundle', dir, box.id()], { wrap })
  },
  create: (box, patch) => {
    const { dir } = box.bundle(patched(patch, probing(['fds'])) as Patch, { name: box.id() })
    return async (count, wrap) => {
      const id = box.id()
      const created = box.call(['create', '--preserve-fds', String(count), '--bundle', dir, id], { wrap })
      if (created.status !== 0) return created
      box.call(['start', id])
      await until(() => box.state(id)?.status === 'stopped', 'stopped')
      box.call(['delete', id])
      return { ...created, ...created.later() }
    }
  },
  exec: (box, patch) => {
    const { dir } = box.bundle(patched(patch, { process: { args: ['sleep', '1000'] } }) as Patch, { name: box.id() })
    const id = box.id()
    box.call(['run', '--detach', '--bundle', dir, id])
    box.defer(() => box.call(['delete', '--force', id]))
    return async (count, wrap) => box.call(['exec', '--preserve-fds', String(count), id, '/bin/probe', 'fds'], { wrap })
  },
}

for (const [name, prepare] of Object.entries(commands)) {
  scenario(`${name} --preserve-fds passes on what is open, under its number`, { peers }, async (t, box) => {
    const file = makeFile(box)
    const call = prepare(box, {})
    for (const [count, open, passed] of [
      [4, [6], [6]],
      [5, [4, 6, 7, 8], [4, 6, 7]],
      [3, [3, 5, 6], [3, 5]],
      [998, [900, 1000, 1001], [900, 1000]],
      [999_999_999, [3, 77], [3, 77]],
      [60, [], []],
      [0, [3], []],
    ] as const) {
      const report = readReport(await call(count, holding(file, open)))
      t.strictSame(numbersOf(report), [0, 1, 2, ...passed], `${count} with ${open.join(' ')} open`)
      const lines = report.lines('fds').slice(3)
      t.same(
        lines.filter((line) => !line.endsWith(file)),
        [],
        'and it is the file',
      )
    }
  })

  scenario(`${name} --preserve-fds fills no gap with a descriptor of the runtime`, { peers }, async (t, box) => {
    const file = makeFile(box)
    for (const patch of [{}, crowded(box)]) {
      const call = prepare(box, patch)
      for (let count = 1; count < 32; count++) {
        const report = readReport(await call(count, holding(file, [])))
        t.strictSame(numbersOf(report), [0, 1, 2], `${count}, nothing open`)
      }
      for (let fd = 3; fd < 24; fd++) {
        const report = readReport(await call(1000, holding(file, [fd])))
        t.strictSame(numbersOf(report), [0, 1, 2, fd], `${fd} open`)
      }
    }
  })
}

scenario('exec with a terminal passes on no more', { peers }, async (t, box) => {
  const file = makeFile(box)
  const { dir } = box.bundle({ process: { args: ['sleep', '1000'] } })
  const id = box.id()
  box.call(['run', '--detach', '--bundle', dir, id])
  box.defer(() => box.call(['delete', '--force', id]))
  const console = await openConsole(box)
  const args = ['exec', '--preserve-fds', '500', '--tty', '--console-socket', console.socket, id, '/bin/probe', 'fds']
  const result = box.call(args, { wrap: holding(file, [7]) })
  t.equal(result.status, 0, result.stderr)
  await until(() => /^7 /m.test(console.text()), 'the report')
  t.strictSame(
    console
      .text()
      .split('\n')
      .flatMap((line) => /^(\d+) /.exec(line)?.[1] ?? []),
    ['0', '1', '2', '7'],
  )
})

scenario(
  'a waiting init holds the preserved descriptors and its own',
  { skip: isRunt ? false : 'of runt’s init' },
  (t, box) => {
    const file = makeFile(box)
    const { dir } = box.bundle()
    const linksOf = (count: number): string[] => {
      const id = box.id()
      const args = ['create', '--preserve-fds', String(count), '--bundle', dir, id]
      t.equal(box.call(args, { wrap: holding(file, [5, 9]) }).status, 0)
      const directory = `/proc/${box.state(id)?.pid}/fd`
      const links = readdirSync(directory).map((fd) => `${fd} ${readlinkSync(join(directory, fd))}`)
      t.equal(box.call(['delete', '--force', id]).status, 0)
      return links.map((link) => link.replaceAll(id, 'ID').replace(/call-\d+|\[\d+\]/, ''))
    }
    const without = linksOf(0).map((link) => link.replace(/^\d+ /, ''))
    const more = linksOf(50).filter((link) => !without.includes(link.replace(/^\d+ /, '')))
    t.same(more, [`5 ${file}`, `9 ${file}`])
  },
)

scenario('run adds --preserve-fds to LISTEN_FDS, with gaps', { peers: { crun: 'tells no LISTEN_FDS' } }, (t, box) => {
  const file = makeFile(box)
  const { dir } = box.bundle(probing(['fds', 'env']))
  const result = box.call(['run', '--preserve-fds', '3', '--bundle', dir, box.id()], {
    env: { LISTEN_FDS: '1' },
    wrap: [...holding(file, [3, 6, 7]), 'sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
  })
  t.equal(result.status, 0, result.stderr)
  t.strictSame(numbersOf(readReport(result)), [0, 1, 2, 3, 6])
  t.match(readReport(result).text('env'), /^LISTEN_FDS=1$/m)
})

scenario('LISTEN_FDS alone fills no gap either', { peers: { crun: 'tells no LISTEN_FDS' } }, (t, box) => {
  const file = makeFile(box)
  const { dir } = box.bundle(probing(['fds']))
  const result = box.call(['run', '--bundle', dir, box.id()], {
    env: { LISTEN_FDS: '60' },
    wrap: [...holding(file, [5]), 'sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
  })
  t.equal(result.status, 0, result.stderr)
  t.strictSame(numbersOf(readReport(result)), [0, 1, 2, 5])
})
