/*
 * spec: writes a default config.json that is equal in meaning to runc's (runc-spec(8)), and that can be run except for
 * its terminal.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patched } from '../../harness/bundle.ts'
import { onTerminal } from '../../harness/console.ts'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

interface Spec {
  readonly ociVersion: string
  readonly process: { readonly capabilities: Readonly<Record<string, readonly string[]>>; readonly terminal: boolean }
  readonly mounts: readonly { readonly destination: string; readonly options?: readonly string[] }[]
  readonly linux: { readonly namespaces: readonly { readonly type: string }[]; readonly [key: string]: unknown }
}

const read = (path: string): Spec => JSON.parse(readFileSync(path, 'utf8'))

scenario('spec writes config.json into the current directory', {}, (t, box) => {
  const result = box.call(['spec'])
  t.match(result, { status: 0, stdout: '', stderr: '' })
  const spec = read(join(box.dir, 'config.json'))
  t.match(spec, {
    ociVersion: /^1\.\d+\.\d+/,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
  })
  const three = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  for (const set of ['bounding', 'effective', 'permitted']) t.same(spec.process.capabilities[set], three, set)
  t.same(spec.process.capabilities.inheritable ?? [], [], 'nothing inheritable (CVE-2022-29162)')
  if (isRunt) t.same(spec.process.capabilities.ambient ?? [], [], 'nothing ambient, so no warning when it runs')
  t.same(
    spec.mounts.map((mount) => mount.destination),
    ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/sys/fs/cgroup'],
  )
  t.ok(spec.mounts[2]?.options?.includes('gid=5'))
  t.ok(spec.mounts[6]?.options?.includes('ro'))
  t.same(
    spec.linux.namespaces
      .map((ns) => ns.type)
      .filter((type) => type !== 'cgroup')
      .sort(),
    ['ipc', 'mount', 'network', 'pid', 'uts'],
  )
  t.match(spec.linux, { resources: { devices: [{ allow: false, access: 'rwm' }] } })
  for (const path of ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware']) {
    t.ok((spec.linux.maskedPaths as string[]).includes(path), `masks ${path}`)
  }
  t.same(spec.linux.readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'])
})

scenario('spec -b, and an existing file', {}, (t, box) => {
  mkdirSync(join(box.dir, 'other'))
  t.equal(box.call(['spec', '-b', 'other']).status, 0)
  const path = join(box.dir, 'other/config.json')
  t.equal(existsSync(path), true)
  writeFileSync(path, 'mine')
  const again = box.call(['spec', '--bundle', join(box.dir, 'other')])
  t.not(again.status, 0)
  t.match(again.stderr, /exist/)
  t.equal(readFileSync(path, 'utf8'), 'mine', 'is not overwritten')
  t.not(box.call(['spec', '-b', 'missing']).status, 0)
})

scenario('spec --rootless', { peers: { crun: 'its own default' } }, (t, box) => {
  t.equal(box.call(['spec', '--rootless']).status, 0)
  const spec = read(join(box.dir, 'config.json'))
  const types = spec.linux.namespaces.map((ns) => ns.type)
  t.ok(types.includes('user') && !types.includes('network'))
  t.match(spec.linux.uidMappings, [{ containerID: 0, size: 1 }])
  t.match(spec.linux.gidMappings, [{ containerID: 0, size: 1 }])
  t.notOk(spec.linux.resources, 'no resources without rights to set them')
  const find = (destination: string) => spec.mounts.find((mount) => mount.destination === destination)
  t.match(find('/sys'), { type: 'none', source: '/sys' })
  t.ok(find('/sys')?.options?.includes('rbind'))
  t.notOk(
    find('/dev/pts')?.options?.some((option) => option.startsWith('gid=')),
    'gid 5 is not mapped',
  )
})

scenario('the config that spec writes runs', {}, (t, box) => {
  const bundle = box.bundle()
  const made = join(box.dir, 'made')
  mkdirSync(made)
  t.equal(box.call(['spec', '-b', made]).status, 0)
  const spec = patched(read(join(made, 'config.json')), {
    process: { args: ['sh', '-c', 'echo "I am $(hostname)"; exit 6'] },
  })
  writeFileSync(bundle.config, JSON.stringify(spec))
  const onTty = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
  t.equal(onTty.status, 6, 'with its terminal')
  t.match(onTty.stdout, /I am \w+/)
  writeFileSync(bundle.config, JSON.stringify(patched(spec, { process: { terminal: false } })))
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 6, 'and without')
})
