import t from 'tap'
import type { Process } from '../config/config.ts'
import { RESOLVE_NO_MAGICLINKS } from '../steps/constants.ts'
import { labelledHost, unifiedHost } from './fixtures/hosts.ts'
import { planWith, stepsFrom, stepsOf } from './fixtures/plan-of.ts'
import { executableCandidates, planEnvironment } from './process.ts'

const withEnv = (...env: string[]) => ({ env, args: ['prog'] }) as unknown as Process

t.test('environment: of several values the last one counts, where the first one stood', (t) => {
  t.same(planEnvironment(withEnv('A=1', 'HOME=/h', 'B=', 'A=2=3')), {
    env: ['A=2=3', 'HOME=/h', 'B='],
    needsHome: 'given',
  })
  t.end()
})

t.test('HOME is always set, and last if init has to find it', (t) => {
  for (const env of [[], ['HOME='], ['HOME=/x', 'HOME=']])
    t.same(planEnvironment(withEnv(...env, 'A=1')), { env: ['A=1', 'HOME=/'], needsHome: 'find' })
  const planned = planWith({ process: { env: ['A=1'], user: { uid: 7, gid: 0 } } })
  t.match(stepsOf(planned, 'find_home'), [{ uid: 7 }])
  t.match(stepsOf(planned, 'execve'), [{ env: ['A=1', 'HOME=/'] }])
  t.end()
})

t.test('the directories of PATH for the program', (t) => {
  const candidates = (program: string, ...env: string[]) =>
    executableCandidates({ env, args: [program] } as unknown as Process)
  t.same(candidates('sh', 'PATH=/a:/b'), ['/a/sh', '/b/sh'])
  t.same(candidates('sh', 'PATH=/a', 'PATH=/c'), ['/c/sh'], 'the last PATH')
  t.same(candidates('sh', 'PATH=:/b:'), ['./sh', '/b/sh', './sh'], 'an empty part is the current directory')
  t.same(candidates('./sh', 'PATH=/a'), ['./sh'], 'a path is taken as it is')
  t.same(candidates('/bin/sh'), ['/bin/sh'])
  t.ok(candidates('sh').includes('/usr/bin/sh'), 'without PATH the usual one')
  t.end()
})

t.test('limits by number, infinity exactly', (t) => {
  const rlimits = [
    { type: 'RLIMIT_CPU', soft: 1, hard: 2 },
    { type: 'RLIMIT_RTTIME', soft: 0, hard: 18446744073709551615n },
  ]
  t.match(stepsOf(planWith({ process: { rlimits } }), 'prlimit'), [
    { resource: 0, soft: 1n, hard: 2n },
    { resource: 15, soft: 0n, hard: 18446744073709551615n },
  ])
  t.end()
})

t.test('writes to /proc/self go through a procfs that is checked', (t) => {
  const planned = planWith({ process: { oomScoreAdj: -5, apparmorProfile: 'p' } }, { host: unifiedHost })
  const writes = stepsOf(planned, 'write_file').filter(({ from }) => from.startsWith('process.'))
  t.match(writes, [
    { path: 'self/oom_score_adj', data: '-5', expectFs: 0x9fa0 },
    { path: 'self/attr/apparmor/exec', data: 'exec p', expectFs: 0x9fa0 },
  ])
  t.same(new Set(writes.map(({ at }) => planned.plan.slots[at ?? -1])), new Set(['/proc']))
  t.end()
})

t.test('without a proc mount, it is a detached one of our own', (t) => {
  const planned = planWith({ mounts: [], process: { oomScoreAdj: 0 }, linux: { maskedPaths: [], readonlyPaths: [] } })
  t.match(stepsFrom(planned, 'process.oomScoreAdj'), [
    { op: 'fsopen', fstype: 'proc' },
    { op: 'fsconfig' },
    { op: 'fsconfig' },
    { op: 'fsmount' },
    { op: 'close' },
    { op: 'write_file', data: '0' },
  ])
  t.same(
    stepsOf(planned, 'move_mount').filter(({ from }) => from.startsWith('process')),
    [],
  )
  t.end()
})

t.test('labels need their security module', (t) => {
  t.throws(() => planWith({ process: { apparmorProfile: 'p' } }, { host: labelledHost }), {
    code: 'host',
    message: /process\.apparmorProfile: AppArmor is not enabled/,
  })
  const labelled = planWith({ process: { selinuxLabel: 'l' } }, { host: labelledHost })
  t.match(stepsFrom(labelled, 'process.selinuxLabel'), [
    { op: 'write_file', path: '/proc/self/attr/keycreate', data: 'l' },
    { op: 'write_file', path: 'self/attr/exec', data: 'l' },
  ])
  t.throws(() => planWith({ process: { selinuxLabel: 'l' } }), {
    code: 'host',
    message: 'process.selinuxLabel: SELinux is not enabled on this host; enable it, or remove the property',
  })
  t.throws(() => planWith({ linux: { mountLabel: 'l' } }), { code: 'host', message: /^linux\.mountLabel: SELinux/ })
  t.doesNotThrow(() => planWith({ process: { selinuxLabel: '' }, linux: { mountLabel: '' } }), 'empty is none')
  t.end()
})

t.test('mountLabel: a plain value for file systems that take one', (t) => {
  const mountLabel = 'system_u:object_r:container_file_t:s0:c1,c2'
  const planned = planWith({ linux: { mountLabel } }, { host: labelledHost })
  const labels = stepsOf(planned, 'fsconfig').filter(({ key }) => key === 'context')
  t.same(new Set(labels.map(({ value }) => value)), new Set([mountLabel]))
  const types = labels.map(({ from }) => /\((\w+) at/.exec(from)?.[1] ?? from)
  t.same(
    types,
    ['tmpfs', 'devpts', 'tmpfs', 'linux.maskedPaths'],
    'not proc, sysfs, mqueue and cgroup; what masks as well',
  )
  const queue = planned.plan.containerSteps.findIndex(({ op }) => op === 'setxattr')
  t.match(planned.plan.containerSteps.slice(queue - 1, queue + 1), [
    { op: 'fchdir', from: /mqueue/ },
    { op: 'setxattr', path: '.', name: 'security.selinux', value: mountLabel },
  ])
  const unset = planWith({ linux: { mountLabel: '' } }, { host: labelledHost })
  t.same(
    stepsOf(unset, 'fsconfig').filter(({ key }) => key === 'context'),
    [],
  )
  t.end()
})

t.test('scheduling', (t) => {
  const process = {
    scheduler: {
      policy: 'SCHED_DEADLINE',
      flags: ['SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN'],
      runtime: 1024,
      deadline: 2048,
      period: 4096,
    },
    ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 3 },
  }
  const planned = planWith({ process })
  t.match(stepsOf(planned, 'sched_setattr'), [{ policy: 6, flags: 6, runtime: 1024n, deadline: 2048n, period: 4096n }])
  t.match(stepsOf(planned, 'ioprio_set'), [{ priority: (3 << 13) | 3 }])
  t.end()
})

t.test('umask and personality', (t) => {
  t.match(stepsOf(planWith({}), 'umask'), [{ mode: 0o022 }], 'the default')
  t.match(stepsOf(planWith({ process: { user: { uid: 0, gid: 0, umask: 0 } } }), 'umask'), [{ mode: 0 }])
  t.match(stepsOf(planWith({ linux: { personality: { domain: 'LINUX32' } } }), 'personality'), [{ persona: 8 }])
  t.same(stepsOf(planWith({}), 'personality'), [])
  t.end()
})

t.test('memory policy: mode, flags and a mask of nodes', (t) => {
  const policy = (memoryPolicy: Record<string, string | string[]>) =>
    stepsOf(planWith({ linux: { memoryPolicy } }), 'set_mempolicy').map(({ mode, nodes }) => [mode, [...nodes]])
  t.same(policy({ mode: 'MPOL_BIND', nodes: '0-1,9' }), [[2, [3, 2]]])
  t.same(policy({ mode: 'MPOL_INTERLEAVE', nodes: '7', flags: ['MPOL_F_STATIC_NODES'] }), [[3 | (1 << 15), [128]]])
  t.same(policy({ mode: 'MPOL_LOCAL' }), [[4, []]])
  t.end()
})

t.test('the working directory is made, and must be inside', (t) => {
  t.match(stepsOf(planWith({ process: { cwd: '/a/b' } }), 'chdir'), [
    { path: '/a/b', resolve: RESOLVE_NO_MAGICLINKS, create: 1 },
  ])
  t.end()
})
