/*
 * Seccomp profiles that deny what init itself needs, even exit: init still ends, nothing loops, and the error names the profile. Also, which
 * profiles `validate` reports as unusable.
 */
import { defaultConfig, type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const peers = { runc: 'has other words', crun: 'has other words' } as const
/* A runtime whose init loops is killed after this time, and the leak check fails. */
const timeout = 20_000

const deny = (names: readonly string[], action: string, errnoRet?: number): Patch => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action, ...(errnoRet !== undefined && { errnoRet }) }],
})

const everything: Readonly<Record<string, Patch>> = {
  ERRNO: { defaultAction: 'SCMP_ACT_ERRNO' },
  'ERRNO 0': { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 0 },
  'ERRNO EINTR': { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4 },
  TRACE: { defaultAction: 'SCMP_ACT_TRACE' },
  TRAP: { defaultAction: 'SCMP_ACT_TRAP' },
  KILL: { defaultAction: 'SCMP_ACT_KILL' },
  KILL_PROCESS: { defaultAction: 'SCMP_ACT_KILL_PROCESS' },
}

const types = defaultConfig.linux.namespaces
const mappings: readonly Json[] = [{ containerID: 0, hostID: 100_000, size: 65536 }]
const places: Readonly<Record<string, Patch>> = {
  'as pid 1': {},
  'in the pid namespace of the host': {
    mounts: mountsWithout('/proc'),
    linux: { namespaces: types.filter(({ type }) => type !== 'pid'), maskedPaths: [], readonlyPaths: [] },
  },
  'in a user namespace': {
    linux: { namespaces: [...types, { type: 'user' }], uidMappings: mappings, gidMappings: mappings },
  },
}

/** Makes bundles with a profile that share one root file system. */
function bundles(box: Box): (seccomp: Patch, noNewPrivileges: boolean, place?: Patch) => string {
  const { rootfs } = box.bundle({}, { name: 'first' })
  let serial = 0
  return (seccomp, noNewPrivileges, place = {}) => {
    serial += 1
    const linux = { ...(place.linux as Patch | undefined), seccomp }
    const patch = { ...place, process: { noNewPrivileges }, root: { path: rootfs }, linux }
    return box.bundle(patch, { name: `b${serial}`, rootfs: 'none' }).dir
  }
}

for (const [where, place] of Object.entries(places))
  scenario(`run under a profile that denies everything fails, ${where}`, { peers }, (t, box) => {
    const bundleOf = bundles(box)
    for (const [name, profile] of Object.entries(everything))
      for (const noNewPrivileges of [true, false]) {
        const bundle = bundleOf(profile, noNewPrivileges, place)
        for (const flags of [[], ['--detach']]) {
          const result = box.call(['run', ...flags, '--bundle', bundle, box.id()], { timeout })
          const about = `${name} ${noNewPrivileges} ${flags}`
          t.equal(result.status, 1, about)
          t.match(result.stderr, /linux\.seccomp: .*denies .*execve/, about)
        }
      }
  })

scenario('start and exec under a profile that denies everything fail', { peers }, (t, box) => {
  const bundleOf = bundles(box)
  for (const [name, profile] of Object.entries(everything)) {
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundleOf(profile, true), id], { timeout }).status, 0, name)
    for (const flags of [[], ['--detach']]) {
      const exec = box.call(['exec', ...flags, id, 'true'], { timeout })
      t.equal(exec.status, 255, `exec ${flags} ${name}`)
      t.match(exec.stderr, /linux\.seccomp: .*denies execve/, `exec ${flags} ${name}`)
    }
    const start = box.call(['start', id], { timeout })
    t.equal(start.status, 1, `start ${name}`)
    t.match(start.stderr, /linux\.seccomp: .*denies execve/, `start ${name}`)
    t.equal(box.state(id)?.status, 'stopped', name)
    t.equal(box.call(['delete', id]).status, 0, name)
  }
})

scenario('create fails under a profile that denies what it needs', { peers }, (t, box) => {
  const bundleOf = bundles(box)
  for (const [calls, action, errnoRet, expected] of [
    [['capset'], 'SCMP_ACT_KILL_PROCESS', undefined, /linux\.seccomp: .*signal 31 \(SIGSYS\).*denies capset/],
    [['capset'], 'SCMP_ACT_ERRNO', 1, /capset: EPERM .*linux\.seccomp: .*denies capset/],
    [['read'], 'SCMP_ACT_ERRNO', 4, /linux\.seccomp: .*denies read/],
    [['read'], 'SCMP_ACT_ERRNO', 0, /linux\.seccomp: .*denies read/],
    [['write'], 'SCMP_ACT_ERRNO', 0, /linux\.seccomp: .*denies write/],
    [['write', 'exit_group', 'exit'], 'SCMP_ACT_ERRNO', 38, /linux\.seccomp: .*denies write .*even exit_group/],
  ] as const) {
    const bundle = bundleOf(deny(calls, action, errnoRet), false)
    const result = box.call(['create', '--bundle', bundle, box.id()], { timeout })
    t.equal(result.status, 1, `${calls} ${action}`)
    t.match(result.stderr, expected)
  }
})

scenario('a program that cannot be executed is reported under any profile', { peers }, (t, box) => {
  const bundleOf = bundles(box)
  for (const [calls, action, errnoRet] of [
    [['execve'], 'SCMP_ACT_ERRNO', 13],
    [['execve'], 'SCMP_ACT_ERRNO', 0],
    [['execve', 'write'], 'SCMP_ACT_ERRNO', 1],
    [['execve'], 'SCMP_ACT_KILL', undefined],
  ] as const) {
    const bundle = bundleOf(deny(calls, action, errnoRet), true)
    const result = box.call(['run', '--bundle', bundle, box.id()], { timeout })
    t.equal(result.status, 1)
    t.match(result.stderr, /linux\.seccomp: .*denies execve/)
  }
})

scenario('a startContainer hook that the profile denies is reported', { peers }, (t, box) => {
  const bundleOf = bundles(box)
  const place = { hooks: { startContainer: [{ path: '/bin/true' }] } }
  for (const [calls, action, errnoRet, expected] of [
    [['memfd_create'], 'SCMP_ACT_KILL', undefined, /linux\.seccomp: .*denies memfd_create/],
    [['waitid', 'poll', 'ppoll'], 'SCMP_ACT_ERRNO', 4, /startContainer hook/],
    [['execve', 'exit_group', 'exit'], 'SCMP_ACT_ERRNO', 0, /startContainer hook/],
  ] as const) {
    const bundle = bundleOf(deny(calls, action, errnoRet), true, place)
    const result = box.call(['run', '--bundle', bundle, box.id()], { timeout })
    t.equal(result.status, 1)
    t.match(result.stderr, expected)
  }
})

scenario('a created container that must not exit ends by a signal', {}, async (t, box) => {
  const bundleOf = bundles(box)
  const id = box.id()
  const bundle = bundleOf(deny(['exit_group', 'exit'], 'SCMP_ACT_ERRNO'), false)
  t.equal(box.call(['create', '--bundle', bundle, id], { timeout }).status, 0)
  t.equal(box.call(['kill', id, 'TERM']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped', timeout)
  t.equal(box.call(['delete', id]).status, 0)
})

scenario(
  'validate names profiles under which nothing can run',
  { skip: isRunt ? false : 'only runt has it' },
  (t, box) => {
    const bundleOf = bundles(box)
    const only = (...names: string[]): Patch => ({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
    })
    const unusable = /: linux\.seccomp: the profile denies execve.*no program can start$/m
    const usable: readonly (readonly [Patch, boolean])[] = [
      [only('execve'), true],
      [only('execve', 'read', 'write', 'capset'), false],
      [deny(['exit_group', 'exit'], 'SCMP_ACT_KILL'), true],
      [deny(['capset', 'read', 'write'], 'SCMP_ACT_ERRNO'), true],
      [{ ...deny(['execve'], 'SCMP_ACT_NOTIFY'), listenerPath: '/run/agent' }, true],
      [everything.TRACE as Patch, true],
    ]
    for (const [name, profile] of Object.entries(everything)) {
      if (name === 'TRACE') continue
      const result = box.call(['validate', bundleOf(profile, true)])
      t.equal(result.status, 1, name)
      t.match(result.stdout, unusable, name)
    }
    for (const [profile, noNewPrivileges] of usable) {
      // There is no agent at listenerPath.
      const result = box.call(['validate', '--no-host', bundleOf(profile, noNewPrivileges)])
      t.equal(result.status, 0, result.stdout)
    }
    const privileged = box.call(['validate', bundleOf(deny(['capset'], 'SCMP_ACT_ERRNO'), false)])
    t.match(privileged.stdout, /: linux\.seccomp: the profile denies capset/)
  },
)
