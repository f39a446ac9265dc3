/*
 * validate on this host: its problems are exactly what makes `run` fail. Each bad config is refused by both, each good
 * one by neither.
 */
import { readdirSync } from 'node:fs'
import { type Bundle, defaultConfig, mountsWith, type Patch } from '../../harness/bundle.ts'
import { isRunt } from '../../harness/project.ts'
import { needsController } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'only runt has it'
const data = (more: Patch) => ({ mounts: mountsWith({ destination: '/data', ...more }) })
const namespaces = (...more: Patch[]) => ({ linux: { namespaces: [...defaultConfig.linux.namespaces, ...more] } })
const resources = (more: Patch): Patch => ({ linux: { resources: more } })
const ids = [{ containerID: 0, hostID: 100000, size: 65536 }]
const userNamespace = (more: Patch = {}): Patch => ({
  linux: { ...namespaces({ type: 'user' }).linux, uidMappings: ids, gidMappings: ids, ...more },
})

/** The property of the problem, and a config with it. */
const bad: readonly (readonly [path: string, patch: Patch])[] = [
  ['root.path', { root: { path: 'nowhere' } }],
  ['root.path', { root: { path: 'config.json' } }],
  ['process.args[0]', { process: { args: ['nowhere'] } }],
  ['process.args[0]', { process: { args: ['/etc'] } }],
  ['process.args[0]', { process: { env: ['PATH=/nowhere'] } }],
  ['process.args[0]', { process: { args: ['./true'], cwd: '/etc' } }],
  ['process.args[0]', { linux: { maskedPaths: ['/bin'] } }],
  ['process.cwd', { process: { cwd: '/bin/busybox' } }],
  ['process.rlimits[0].hard', { process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 9, hard: 9007199254740991 }] } }],
  ['mounts[7].source', data({ type: 'bind', source: '/nowhere', options: ['rbind'] })],
  ['mounts[7].source', data({ type: 'bind', source: 'nowhere', options: ['rbind'] })],
  ['mounts[7].destination', { mounts: mountsWith({ destination: '/bin/busybox', source: '/etc', options: ['bind'] }) }],
  ['mounts[7].destination', { mounts: mountsWith({ destination: '/bin', source: '/etc/passwd', options: ['bind'] }) }],
  ['mounts[7].destination', { mounts: mountsWith({ destination: '/bin/busybox', type: 'tmpfs', source: 't' }) }],
  ['mounts[7].type', data({ type: 'nofs', source: 'x' })],
  ['mounts[7].type', data({ source: '/etc' })],
  ['mounts[7].source', data({ type: 'ext4', source: '/dev/nowhere' })],
  ['mounts[7].options[1]', data({ type: 'tmpfs', source: 'x', options: ['ro', 'sizee=1m'] })],
  ['mounts[7].options[0]', data({ type: 'tmpfs', source: 'x', options: ['mode=999'] })],
  ['hooks.prestart[0].path', { hooks: { prestart: [{ path: '/nowhere' }] } }],
  ['hooks.createRuntime[0].path', { hooks: { createRuntime: [{ path: '/etc/passwd' }] } }],
  ['hooks.createContainer[0].path', { hooks: { createContainer: [{ path: '/etc' }] } }],
  ['hooks.startContainer[0].path', { hooks: { startContainer: [{ path: '/nowhere' }] } }],
  ['hooks.poststart[0].path', { hooks: { poststart: [{ path: '/nowhere' }] } }],
  ['linux.namespaces[5].path', namespaces({ type: 'cgroup', path: '/nowhere' })],
  ['linux.namespaces[5].path', namespaces({ type: 'cgroup', path: '/proc/self/ns/uts' })],
  ['linux.namespaces[5].path', namespaces({ type: 'cgroup', path: '/etc/passwd' })],
  ['linux.sysctl["net.ipv4.nothing"]', { linux: { sysctl: { 'net.ipv4.nothing': '1' } } }],
  ['linux.devices[0].path', { linux: { devices: [{ path: '/bin/busybox', type: 'c', major: 1, minor: 3 }] } }],
  ['linux.devices[0].path', userNamespace({ devices: [{ path: '/dev/nothing', type: 'c', major: 1, minor: 3 }] })],
  ['linux.netDevices["nothing0"]', { linux: { netDevices: { nothing0: {} } } }],
  ['linux.timeOffsets.monotonic.secs', offset(9999999999999)],
  ['linux.timeOffsets.monotonic.secs', offset(-9999999999)],
  ['linux.memoryPolicy', { linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '1023' } } }],
  ['linux.resources.cpu.cpus', resources({ cpu: { cpus: '0-9999' } })],
  ['linux.resources.cpu.cpus', resources({ cpu: { cpus: 'all of them' } })],
  ['linux.resources.cpu.mems', resources({ cpu: { mems: '1023' } })],
  ['linux.resources.cpu.quota', resources({ cpu: { quota: 100 } })],
  ['linux.resources.cpu.period', resources({ cpu: { quota: 2000000, period: 2000000 } })],
  ['linux.resources.pids.limit', resources({ pids: { limit: 5000000 } })],
  ['linux.resources.memory.limit', resources({ memory: { limit: 4096 } })],
  ['linux.resources.hugepageLimits[0]', resources({ hugepageLimits: [{ pageSize: '3MB', limit: 0 }] })],
  [
    'linux.resources.blockIO.throttleReadBpsDevice[0]',
    resources({ blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 1, rate: 5 }] } }),
  ],
  [
    'linux.seccomp.listenerPath',
    {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/nowhere',
          syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
        },
      },
    },
  ],
]

function offset(secs: number): Patch {
  return { linux: { ...namespaces({ type: 'time' }).linux, timeOffsets: { monotonic: { secs, nanosecs: 0 } } } }
}

const limits = { cpu: { cpus: '0', quota: 1000, period: 1000 }, pids: { limit: 100 } }
const good: readonly (readonly [what: string, patch: Patch])[] = [
  ['the default config', {}],
  ['a path as the program', { process: { args: ['bin/true'] } }],
  ['a working directory that is created', { process: { cwd: '/new/directory' } }],
  ['an option that a bind mount ignores', data({ type: 'bind', source: '/etc', options: ['rbind', 'nosuidd'] })],
  ['a source inside an earlier mount', { mounts: inside() }],
  ['options that the kernel knows', data({ type: 'tmpfs', source: 'x', options: ['size=1m', 'nodev', 'mode=700'] })],
  ['a poststop hook that fails', { hooks: { poststop: [{ path: '/nowhere' }] } }],
  ['a program that a mount provides', provided()],
  ['a namespace of the right type', namespaces({ type: 'cgroup', path: '/proc/self/ns/cgroup' })],
  ['a parameter that exists', { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } } }],
  ['a user namespace', userNamespace()],
  ...(needsController('cpuset') === false ? [['limits', resources(limits)] as const] : []),
  ['offsets', offset(-1)],
]

function inside() {
  return mountsWith(
    { destination: '/data', type: 'tmpfs', source: 'x' },
    { destination: '/data/more', type: 'tmpfs', source: 'x' },
    { destination: '/again', source: 'rootfs/data/more', options: ['bind'] },
  )
}

/** The image has no such file; the mount has. */
function provided() {
  return {
    process: { args: ['/opt/true'] },
    mounts: mountsWith({ destination: '/opt', source: 'rootfs/bin', options: ['rbind'] }),
  }
}

interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** The value is wrong, and a host without the controller is another problem of it. */
const ofValue = ({ message }: Finding): boolean => !message.includes('controller is not available')

function findings(box: Box, bundle: Bundle, ...flags: readonly string[]): { problems: Finding[]; warnings: Finding[] } {
  return JSON.parse(box.call(['validate', '--format', 'json', ...flags, bundle.dir]).stdout)
}

const paths = (all: readonly Finding[]): string[] => all.map(({ path }) => path)

scenario('validate reports what makes run fail', { skip }, (t, box) => {
  for (const [i, [path, patch]] of bad.entries()) {
    const bundle = box.bundle(patch, { name: `bad-${i}` })
    const id = box.id()
    const run = box.call(['run', '--bundle', bundle.dir, id])
    t.not(run.status, 0, `run: ${path}: ${run.stderr.trim()}`)
    if (run.status === 0 || box.state(id) !== undefined) box.call(['delete', '--force', id])
    const { problems } = findings(box, bundle)
    const own = problems.filter(ofValue)
    t.same(paths(own.length > 0 ? own : problems), [path], `validate: ${path} ${JSON.stringify(patch).slice(0, 90)}`)
    t.equal(box.call(['validate', bundle.dir]).status, 1)
  }
})

scenario('validate accepts what run accepts', { skip }, (t, box) => {
  for (const [i, [what, patch]] of good.entries()) {
    const bundle = box.bundle(patch, { name: `good-${i}` })
    const checked = box.call(['validate', bundle.dir])
    t.equal(checked.status, 0, `${what}: ${checked.stdout}${checked.stderr}`)
    const run = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(run.stderr, '', what)
  }
})

scenario('validate reports all problems at once and changes nothing', { skip }, (t, box) => {
  const patch = {
    process: { args: ['nowhere'], apparmorProfile: 'nothing', selinuxLabel: 'a:b:c:d' },
    root: { path: 'nothing' },
    hooks: { poststop: [{ path: '/nowhere' }] },
    ...data({ type: 'bind', source: '/nowhere', options: ['rbind', 'nosuidd'] }),
    linux: { resources: { cpu: { quota: 1 }, memory: { limit: 5 } }, netDevices: { nothing0: {} } },
  }
  const bundle = box.bundle(patch)
  const { problems, warnings } = findings(box, bundle)
  for (const path of ['root.path', 'mounts[7].source', 'linux.resources.cpu.quota', 'linux.netDevices["nothing0"]'])
    t.ok(paths(problems).includes(path), path)
  t.same(paths(warnings), ['mounts[7].options[1]', 'hooks.poststop[0].path'])
  const lines = problems.map(({ line }) => line)
  t.same(
    lines,
    [...lines].sort((a, b) => a - b),
    'in the order of the file',
  )
  t.same(readdirSync(bundle.dir).sort(), ['config.json', 'rootfs'])
  t.same(readdirSync(box.root), [])
})

scenario('validate --no-host has the same result on every host', { skip }, (t, box) => {
  for (const [i, [path, patch]] of bad.entries()) {
    const bundle = box.bundle(patch, { name: `bad-${i}` })
    const isOfConfig = /cpu\.(quota|period)|cpus|pids|memory\.limit|timeOffsets/.test(path)
    const { problems } = findings(box, bundle, '--no-host')
    const seen = paths(problems)
    if (!isOfConfig) t.same(seen, [], path)
    else if (!/9999/.test(JSON.stringify(patch))) t.same(seen, [path], path)
  }
  const labelled = box.bundle({ process: { selinuxLabel: 'a:b:c:d', apparmorProfile: 'x' } }, { name: 'labelled' })
  t.equal(box.call(['validate', '--no-host', labelled.dir]).stdout, `${labelled.config}: ok\n`)
  const option = box.bundle(data({ source: '/nowhere', options: ['bind', 'nosuidd'] }), { name: 'option' })
  t.match(box.call(['validate', '--no-host', option.dir]).stdout, /"nosuidd" is ignored .*; did you mean nosuid\?\n/)
  const size = box.bundle(data({ type: 'tmpfs', source: 'x', options: ['sizee=1m'] }), { name: 'size' })
  t.match(box.call(['validate', size.dir]).stdout, /options\[0\]: "sizee=1m": EINVAL .*; did you mean size\?\n/)
  t.match(box.call(['validate', '--no-host', size.dir]).stdout, 'is no known option of tmpfs; did you mean size?\n')
  t.match(box.call(['validate', '--host', '--no-host', option.dir]).stderr, '--host and --no-host exclude each other')
})
