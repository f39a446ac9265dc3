import t from 'tap'
import type { StepOf } from '../steps/launch-plan.ts'
import { capabilityMask } from './credentials.ts'
import { hybridHost, unifiedHost, userHost } from './fixtures/hosts.ts'
import { planWith, stepsFrom, stepsOf } from './fixtures/plan-of.ts'

const sets = (more: Record<string, string[]>) => ({
  process: { capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [], ...more } },
})
const bit = (n: number) => 1n << BigInt(n)
const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
const userNamespace = {
  namespaces: ['user', 'mount', 'uts', 'pid', 'network'].map((type) => ({ type })),
  uidMappings: range,
  gidMappings: range,
}

t.test('a set as a mask: by number, in any case, unknown names left out', (t) => {
  t.equal(capabilityMask([]), 0n)
  t.equal(capabilityMask(['CAP_CHOWN', 'cap_kill', 'CAP_CHECKPOINT_RESTORE', 'CAP_NO_SUCH']), 1n | bit(5) | bit(40))
  t.end()
})

t.test('the bounding set: all other capabilities are dropped', (t) => {
  const [dropped] = stepsOf(planWith(sets({ bounding: ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'] })), 'capbset_drop')
  t.equal(dropped?.capabilities.length, 39)
  t.notOk(dropped?.capabilities.includes(0) || dropped?.capabilities.includes(40))
  t.end()
})

t.test('capabilities that the runtime lacks are left out with a warning', (t) => {
  const host = { ...hybridHost, boundingSet: bit(0) | bit(5) }
  const planned = planWith(sets({ bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] }), { host })
  t.same(stepsOf(planned, 'capbset_drop')[0]?.capabilities, [5])
  t.equal(stepsOf(planned, 'capset')[0]?.permitted, bit(0))
  t.match(planned.warnings, ['process.capabilities: not available to runt, left out: CAP_SYS_ADMIN'])
  t.end()
})

t.test('a new user namespace may have capabilities that the runtime lacks', (t) => {
  const host = { ...unifiedHost, boundingSet: 0n }
  const planned = planWith({ ...sets({ permitted: ['CAP_SYS_ADMIN'] }), linux: userNamespace }, { host })
  t.equal(stepsOf(planned, 'capset')[0]?.permitted, bit(21))
  t.same(planned.warnings, [])
  t.end()
})

t.test('effective is a part of permitted', (t) => {
  const planned = planWith(
    sets({
      bounding: ['CAP_CHOWN'],
      effective: ['CAP_KILL', 'CAP_CHOWN'],
      permitted: ['CAP_KILL'],
      inheritable: ['CAP_CHOWN'],
    }),
  )
  t.match(stepsOf(planned, 'capset'), [{ effective: bit(5), permitted: bit(5), inheritable: bit(0) }])
  t.end()
})

t.test('ambient: capabilities that the kernel cannot raise cause a warning', (t) => {
  const both = ['CAP_KILL', 'CAP_CHOWN']
  const planned = planWith(sets({ bounding: both, ambient: both, permitted: both, inheritable: ['CAP_KILL'] }))
  t.match(stepsOf(planned, 'cap_ambient_raise'), [{ capabilities: [5] }])
  t.same(planned.warnings, ["can't raise ambient capability CAP_CHOWN: not both permitted and inheritable"])
  t.end()
})

t.test('no capabilities at all in the config means none', (t) => {
  const planned = planWith({ process: { capabilities: null } })
  t.match(stepsOf(planned, 'capset'), [{ effective: 0n, permitted: 0n, inheritable: 0n }])
  t.equal(stepsOf(planned, 'capbset_drop')[0]?.capabilities.length, 41)
  t.end()
})

const ops = (steps: readonly { op: string }[]) => steps.map(({ op }) => op)

t.test('the user: capabilities survive the change of ids, groups and gid come before uid', (t) => {
  const planned = planWith({ process: { user: { uid: 5, gid: 6, additionalGids: [7, 8, 7] } } })
  t.same(ops(stepsFrom(planned, 'process.user')).slice(3), ['prctl', 'setgroups', 'setresgid', 'setresuid', 'umask'])
  t.match(stepsOf(planned, 'setgroups'), [{ gids: [7, 8] }])
  t.match(
    stepsOf(planned, 'fchown'),
    [0, 1, 2].map((fd) => ({ fd, uid: 5 })),
    'the standard streams first of all',
  )
  t.end()
})

t.test('root stays root without the groups of the caller', (t) => {
  t.same(ops(stepsFrom(planWith({}), 'process.user')), ['setgroups', 'umask'])
  t.end()
})

t.test('groups: kept where setgroups(2) is denied', (t) => {
  const single = [{ containerID: 0, hostID: 1000, size: 1 }]
  const linux = { ...userNamespace, uidMappings: single, gidMappings: single }
  t.same(stepsOf(planWith({ linux }, { host: userHost }), 'setgroups'), [], 'setgroups is denied in its map')
  const joined = planWith({ linux: { namespaces: [{ type: 'user', path: '/x' }, { type: 'uts' }, { type: 'mount' }] } })
  const [before, after] = stepsOf(joined, 'setgroups')
  t.match(after, { gids: [], tolerate: [1] }, 'nobody knows the map of a joined one')
  t.same([before?.gids, before?.tolerate], [[], undefined], 'so root has dropped its own before')
  const keep = planWith({ annotations: { 'run.oci.keep_original_groups': '1' } })
  t.same(stepsOf(keep, 'setgroups'), [])
  const keepJoined = planWith({
    annotations: { 'run.oci.keep_original_groups': '1' },
    linux: { namespaces: [{ type: 'user', path: '/x' }, { type: 'uts' }, { type: 'mount' }] },
  })
  t.same(stepsOf(keepJoined, 'setgroups'), [])
  t.end()
})

t.test('capabilities for which capset(2) would fail are left out with a warning', (t) => {
  const sets = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL', 'CAP_CHOWN'] }
  const planned = planWith({ process: { capabilities: { ...sets, inheritable: ['CAP_CHOWN'], ambient: [] } } })
  t.match(stepsOf(planned, 'capset').at(-1), { effective: bit(5), permitted: bit(5), inheritable: 0n })
  t.same(planned.warnings, [
    'process.capabilities.effective: not permitted, left out: CAP_CHOWN',
    'process.capabilities.inheritable: not in the bounding set, left out: CAP_CHOWN',
  ])
  t.end()
})

t.test('no_new_privs, and where the filter is loaded with and without it', (t) => {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }] }
  for (const noNewPrivileges of [true, false]) {
    const { plan } = planWith({ process: { noNewPrivileges }, linux: { seccomp } })
    const at = (op: string) => plan.containerSteps.findIndex((step) => step.op === op)
    const nnp = plan.containerSteps.filter((step) => step.op === 'prctl' && step.option === 38) as StepOf<'prctl'>[]
    t.same(
      nnp.map(({ arg2 }) => arg2),
      noNewPrivileges ? [1] : [],
    )
    const sets = plan.containerSteps.filter((step): step is StepOf<'capset'> => step.op === 'capset')
    const admin = sets.map(({ effective, permitted }) => [BigInt(effective) & bit(21), BigInt(permitted) & bit(21)])
    if (noNewPrivileges) {
      t.ok(at('seccomp') > at('start_wait') && at('seccomp') < at('execve'), 'as late as can be')
      t.same(admin, [[0n, 0n]])
    } else {
      t.same(
        admin,
        [
          [bit(21), bit(21)],
          [0n, 0n],
        ],
        'CAP_SYS_ADMIN is kept for it, and then given up',
      )
      t.same(
        plan.containerSteps
          .slice(at('seccomp'))
          .map(({ op }) => op)
          .slice(0, 2),
        ['seccomp', 'capset'],
      )
    }
  }
  t.end()
})
