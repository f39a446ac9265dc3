/*
 * Random configs that a runtime may be able to run: valid ones, and the same with something wrong according to the
 * schema. They have no access to the host beyond that of other tests: no host paths except /etc and the program's
 * own bundle, no hooks except true, false and missing programs.
 */
import { join } from 'node:path'
import fc from 'fast-check'
import { type Changes, changed } from '../../src/config/testing/documents.ts'
import { loadSchemas, membersByPath } from '../../src/config/testing/schema.ts'
import { type Json, mountsWith, type Patch } from './bundle.ts'
import { projectRoot } from './project.ts'

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const some = <T>(...values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values])
const none = fc.constant(undefined)
/** Present one time in three. */
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.oneof(none, none, value)
/** Mostly the first: most configs with the other would fail. */
const rarely = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 29 }, { arbitrary: rare, weight: 1 })
const members = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Patch> =>
  fc.record(
    Object.fromEntries(Object.entries(model).map(([name, value]) => [name, maybe(value)])),
  ) as fc.Arbitrary<Patch>

const id = rarely(pick(0, 1, 1000, 65534), pick(65535, 65536, 4294967294))
const names = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_ADMIN', 'CAP_NET_RAW', 'CAP_NONE_SUCH', 'cap_setuid']
const capabilities = members(
  Object.fromEntries(
    ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map((set) => [set, some(...names)]),
  ),
)

const process = members({
  user: members({ uid: id, gid: id, additionalGids: fc.array(id, { maxLength: 3 }), umask: pick(0, 0o22, 0o777) }),
  args: rarely(pick(['true'], ['sh', '-c', 'exit 3'], ['/bin/false']), pick(['/no/such'], ['none'], ['/etc'], [''])),
  env: pick([], ['PATH=/bin'], ['PATH=/bin', 'A=1', 'A=2', 'B='], ['PATH=/bin', `LONG=${'x'.repeat(5000)}`]),
  cwd: rarely(pick('/', '/tmp', '/proc/self', '/../..'), pick('/new/dir', '/bin/sh', '/proc/self/fd/7')),
  rlimits: some(
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    { type: 'RLIMIT_NPROC', soft: 0, hard: 0 },
    { type: 'RLIMIT_NOFILE', soft: 8, hard: 10 },
    { type: 'RLIMIT_AS', soft: 1_000_000_000, hard: 9_007_199_254_740_991 },
  ),
  oomScoreAdj: rarely(pick(0, 500, 1000), pick(-1000)),
  capabilities,
  noNewPrivileges: fc.boolean(),
  terminal: rarely(pick(false), pick(true)),
  scheduler: rarely(
    pick<Json>({ policy: 'SCHED_BATCH', nice: 5 }, { policy: 'SCHED_IDLE' }),
    pick<Json>({ policy: 'SCHED_FIFO', priority: 1 }),
  ),
  ioPriority: pick<Json>({ class: 'IOPRIO_CLASS_BE', priority: 3 }, { class: 'IOPRIO_CLASS_RT', priority: 0 }),
})

const options = some('ro', 'nosuid', 'noexec', 'nodev', 'noatime', 'rro', 'rprivate', 'rshared', 'slave')
const target = rarely(
  pick('/x', '/x/y', '/tmp', '/etc', '/dev/x', '/a/../b', 'rel'),
  pick('/etc/passwd', '/dev/null', '/bin', '/proc', '/sys'),
)
const mount = fc.oneof(
  fc.record({
    destination: target,
    type: pick('tmpfs'),
    source: pick('tmpfs'),
    options: rarely(some('size=64k', 'mode=700', 'tmpcopyup', 'ro', 'noexec'), pick(['size=no'])),
  }),
  fc.record({
    destination: target,
    type: pick('bind', 'none'),
    source: rarely(pick('/etc', 'rootfs', 'rootfs/x'), pick('/etc/hostname', '/no/source')),
    options: options.map((list) => ['rbind', ...list]),
  }),
  fc.record({
    destination: target,
    type: rarely(pick('proc', 'sysfs', 'mqueue', 'devpts', 'cgroup'), pick('cgroup2', 'overlay', 'nosuchfs')),
    source: pick('none'),
    options,
  }),
)

const range = (hostID: number, size: number): Json => [{ containerID: 0, hostID, size }]
const namespaces = fc
  .subarray(['pid', 'network', 'ipc', 'uts', 'cgroup', 'user', 'time'])
  .map((types) => ['mount', ...types].map((type) => ({ type })))

const syscalls = rarely(
  some<Json>(
    { names: ['mkdir', 'nosuchcall'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
    { names: ['getpid'], action: 'SCMP_ACT_KILL_PROCESS', args: [{ index: 0, value: 2 ** 40, op: 'SCMP_CMP_GT' }] },
  ),
  pick<Json[]>([{ names: ['execve'], action: 'SCMP_ACT_ERRNO' }]),
)

const linux = members({
  maskedPaths: some('/proc/kcore', '/x', '/etc/passwd', '/no/such', '//proc/keys/', '/dev/core', '/x/passwd'),
  readonlyPaths: some('/proc/sys', '/tmp', '/no/such', '/', '/proc', '/proc/net', '/x/y'),
  devices: rarely(
    some<Json>(
      { path: '/dev/a', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 1, gid: 1 },
      { path: '/dev/pipe', type: 'p' },
      { path: '/deep/dev/b', type: 'b', major: 7, minor: 0 },
    ),
    pick<Json[]>([{ path: '/dev/null', type: 'c', major: 1, minor: 5 }]),
  ),
  sysctl: rarely(pick<Json>({}), pick<Json>({ 'net.ipv4.ip_forward': '1' }, { 'kernel.none': '1' })),
  rootfsPropagation: pick('private', 'slave', 'rslave', 'shared', 'unbindable', 'runbindable'),
  personality: pick({ domain: 'LINUX' }, { domain: 'LINUX32' }),
  seccomp: fc.record({ defaultAction: pick('SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'), syscalls }) as fc.Arbitrary<unknown>,
  resources: members({
    memory: rarely(
      pick<Json>({ limit: 600_000 }, { limit: 100_000_000, swap: 200_000_000 }, { limit: -1, swap: -1 }),
      pick<Json>({ limit: 100_000 }, { swap: 200_000_000 }),
    ),
    pids: members({ limit: rarely(pick(-1, 100), pick(0, 1)) }),
    cpu: members({
      shares: rarely(pick(0, 2, 1000), pick(300_000)),
      quota: pick(-1, 1000, 50_000),
      period: pick(1000, 100_000),
      cpus: rarely(pick('0', '0-1'), pick('99', 'x')),
    }),
    devices: some<Json>({ allow: false, access: 'rwm' }, { allow: true, type: 'c', major: 1, access: 'rw' }),
    blockIO: members({ weight: pick(10, 100, 1000) }),
    hugepageLimits: rarely(
      pick<Json>([], [{ pageSize: '2MB', limit: 0 }]),
      pick<Json>([{ pageSize: '3MB', limit: 0 }]),
    ),
  }),
  netDevices: rarely(pick<Json>({}), pick<Json>({ nosuchdevice: {} })),
})

const hook = rarely(
  pick<Json>([], [{ path: '/bin/true' }], [{ path: '/bin/sleep', args: ['sleep', '0.01'], timeout: 5 }]),
  pick<Json>([{ path: '/bin/false' }], [{ path: '/no/hook' }]),
)
const hooks = members(
  Object.fromEntries(
    ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((kind) => [
      kind,
      hook,
    ]),
  ),
)

/** Patches of the default config; most of the results can be run. */
export const runnable: fc.Arbitrary<Patch> = fc
  .record({
    process,
    linux,
    hooks: maybe(hooks),
    mounts: maybe(fc.array(mount, { maxLength: 3 })),
    namespaces: maybe(namespaces),
    root: maybe(fc.record({ path: pick('rootfs'), readonly: fc.boolean() })),
    mapping: rarely(pick(range(0, 65536), range(100_000, 65535)), pick(range(1000, 1))),
  })
  .map(({ process, linux, hooks, mounts, namespaces, root, mapping }) => {
    const types = namespaces?.map(({ type }) => type) ?? ['uts']
    return defined({
      process: defined(process),
      hooks,
      root,
      mounts: mounts === undefined ? undefined : mountsWith(...(mounts as Json[])),
      // Without a uts namespace the host's name must not be changed.
      ...(types.includes('uts') ? {} : { hostname: null }),
      linux: defined({
        ...linux,
        namespaces,
        ...(types.includes('network') && { sysctl: { 'net.ipv4.ip_forward': '1' } }),
        ...(types.includes('time') && { timeOffsets: { monotonic: { secs: 10 } } }),
        ...(types.includes('user') && { uidMappings: mapping, gidMappings: mapping }),
      }),
    })
  })

/** Removes members that are undefined: in a patch undefined removes a member of the config. */
function defined(patch: Readonly<Record<string, unknown>>): Patch {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Patch
}

const schema = membersByPath(loadSchemas(join(projectRoot, 'spec-schemas')), 'config.json')

/** A config with these changes. */
export const change = (config: unknown, picks: Changes): unknown => changed(config, schema, picks)
