import t from 'tap'
import type { JsonObject } from '../config/json.ts'
import type { HostProbe } from '../native.ts'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { cgroupOwner } from './cgroup-owner.ts'
import { defaultMounts } from './fixtures/cases.ts'
import { hybridHost, userHost } from './fixtures/hosts.ts'
import { planWith, stepsFrom, stepsOf } from './fixtures/plan-of.ts'
import type { CreatePlan } from './plan.ts'

const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
const mapped = { uidMappings: range, gidMappings: range }

/** Plans these namespaces; `type=path` joins. The config needs none of the missing ones. */
function planNamespaces(
  types: readonly string[],
  linux: JsonObject = {},
  rest: Parameters<typeof planWith>[1] = {},
): CreatePlan {
  const namespaces = types.map((text) => {
    const [type = '', path] = text.split('=')
    return path === undefined ? { type } : { type, path }
  })
  const needed = types.includes('user') ? mapped : {}
  return planWith(
    {
      root: { path: 'rootfs', readonly: false },
      hostname: '',
      linux: { maskedPaths: [], readonlyPaths: [], ...needed, ...linux, namespaces },
    },
    rest,
  )
}

const cloneOf = (planned: CreatePlan) => stepsOf(planned, 'clone')[0]
const unshared = (planned: CreatePlan) => stepsOf(planned, 'unshare').map(({ flags }) => flags)

t.test('without a user namespace clone makes all but cgroup and time', (t) => {
  const planned = planNamespaces(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'])
  t.match(cloneOf(planned), {
    flags: CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS,
    forks: 0,
  })
  t.same(unshared(planned), [CLONE_NEWCGROUP])
  t.same(stepsOf(planned, 'fork'), [])
  t.end()
})

t.test('no namespaces at all', (t) => {
  const planned = planNamespaces([])
  t.equal(cloneOf(planned)?.flags, 0)
  t.same(unshared(planned), [])
  t.end()
})

t.test('a time namespace needs a fork, and takes its offsets before it', (t) => {
  const timeOffsets = { boottime: { secs: 7, nanosecs: 0 } }
  const planned = planNamespaces(['pid', 'mount', 'time'], { timeOffsets })
  t.match(cloneOf(planned), { flags: 0, forks: 1 })
  t.same(unshared(planned), [CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWTIME])
  const ops = planned.plan.containerSteps.map(({ op }) => op)
  t.ok(ops.indexOf('write_file') < ops.indexOf('fork'))
  const [offsets] = stepsOf(planned, 'write_file').filter(({ from }) => from === 'linux.timeOffsets')
  t.match(offsets, { path: 'self/timens_offsets', data: 'boottime 7 0\n' })
  t.end()
})

t.test('a new user namespace comes first, then its maps, then the others, which it then owns', (t) => {
  const planned = planNamespaces(['user', 'pid', 'mount', 'network'])
  t.equal(cloneOf(planned)?.flags, 0)
  t.same(unshared(planned), [CLONE_NEWUSER, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID])
  const { runtimeSteps, containerSteps } = planned.plan
  const container = containerSteps
    .filter(({ op }) => /^(unshare|sync_|setres|fork|fsopen)/.test(op))
    .map(({ op }) => op)
  t.same(container.slice(0, 7), ['unshare', 'sync_send', 'sync_wait', 'setresgid', 'setresuid', 'unshare', 'fork'])
  const runtime = runtimeSteps.slice(runtimeSteps.findIndex(({ op }) => op === 'clone') + 1).map(({ op }) => op)
  t.same(runtime.slice(0, 4), ['sync_wait', 'write_child', 'write_child', 'sync_send'])
  t.match(stepsOf(planned, 'write_child'), [
    { file: 'uid_map', data: '0 100000 65536\n' },
    { file: 'gid_map', data: '0 100000 65536\n' },
  ])
  t.end()
})

t.test('a mapping without root: no setresuid', (t) => {
  const only = [{ containerID: 5, hostID: 100000, size: 1 }]
  const planned = planWith({
    hostname: '',
    process: { user: { uid: 5, gid: 5 } },
    linux: { namespaces: [{ type: 'user' }, { type: 'mount' }], uidMappings: only, gidMappings: only },
  })
  t.same(
    stepsFrom(planned, 'linux.uidMappings').filter(({ op }) => op === 'setresuid'),
    [],
  )
  t.end()
})

t.test('an ordinary user maps itself, or asks newuidmap and newgidmap', (t) => {
  const own = [{ containerID: 0, hostID: 1000, size: 1 }]
  const alone = planNamespaces(['user', 'mount'], { uidMappings: own, gidMappings: own }, { host: userHost })
  t.match(stepsOf(alone, 'write_child'), [
    { file: 'uid_map' },
    { file: 'setgroups', data: 'deny' },
    { file: 'gid_map' },
  ])
  const more = [...own, { containerID: 1, hostID: 100000, size: 65536 }]
  const many = planNamespaces(['user', 'mount'], { uidMappings: more, gidMappings: more }, { host: userHost })
  t.match(stepsOf(many, 'map_ids'), [
    { program: 'newuidmap', args: ['0', '1000', '1', '1', '100000', '65536'] },
    { program: 'newgidmap' },
  ])
  t.end()
})

t.test('joining: each is opened by the runtime, the mount namespace is joined last', (t) => {
  const planned = planNamespaces(['mount=/m', 'pid=/p', 'network=/n', 'cgroup=/c'])
  t.same(
    stepsOf(planned, 'setns').map(({ nstype }) => nstype),
    [CLONE_NEWCGROUP, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWNS],
  )
  const opened = planned.plan.runtimeSteps.filter((step) => step.op === 'openat2' && /^\/[mpnc]$/.test(step.path))
  t.equal(opened.length, 4)
  t.equal(cloneOf(planned)?.forks, 1, 'only a child gets into the pid namespace')
  t.end()
})

t.test('joining a user namespace: the others from both sides, but each once', (t) => {
  const planned = planNamespaces(['user=/u', 'network=/n', 'mount'])
  t.match(stepsOf(planned, 'setns'), [
    { nstype: CLONE_NEWNET, once: 1, tolerate: [1] },
    { nstype: CLONE_NEWUSER },
    { nstype: CLONE_NEWNET },
  ])
  t.same(stepsOf(planned, 'write_child'), [])
  t.end()
})

t.test('the loopback device is only set up in a new namespace', (t) => {
  t.match(stepsOf(planNamespaces(['network', 'mount']), 'link_up'), [{ name: 'lo' }])
  t.same(stepsOf(planNamespaces(['network=/n', 'mount']), 'link_up'), [])
  t.same(stepsOf(planNamespaces(['mount']), 'link_up'), [])
  t.end()
})

t.test('host names', (t) => {
  const planned = planWith({ hostname: 'h', domainname: 'd' })
  t.match(stepsOf(planned, 'sethostname'), [{ name: 'h' }])
  t.match(stepsOf(planned, 'setdomainname'), [{ name: 'd' }])
  t.end()
})

t.test('network devices move when the namespace is there, before any hook', (t) => {
  const planned = planWith({
    linux: { netDevices: { eth1: {}, eth2: { name: 'x%d' } } },
    hooks: { prestart: [{ path: '/h' }] },
  })
  t.match(stepsOf(planned, 'move_netdev'), [
    { from: 'linux.netDevices["eth1"]', name: 'eth1', newName: 'eth1' },
    { name: 'eth2', newName: 'x%d' },
  ])
  const ops = planned.plan.runtimeSteps.map(({ op }) => op)
  t.ok(ops.lastIndexOf('move_netdev') < ops.indexOf('run_hook'))
  t.equal(ops[ops.indexOf('move_netdev') - 1], 'sync_wait')
  t.end()
})

t.test('the owner of the cgroup', (t) => {
  const writable = (defaultMounts() as JsonObject[]).map((mount) =>
    mount.destination === '/sys/fs/cgroup' ? { ...mount, options: ['nosuid'] } : mount,
  )
  const owners = (types: readonly string[], mounts: JsonObject[], user = {}) => {
    const namespaces = types.map((type) => ({ type }))
    const planned = planWith({
      mounts,
      process: { user: { uid: 3, gid: 0, ...user } },
      linux: { ...mapped, namespaces },
    })
    return new Set(stepsOf(planned, 'fchownat').map(({ uid }) => uid))
  }
  const all = ['pid', 'network', 'ipc', 'uts', 'mount', 'user']
  t.same(owners([...all, 'cgroup'], writable), new Set([100003]), 'as the host sees the user')
  t.same(owners(all, writable), new Set(), 'not without a cgroup namespace')
  t.same(owners([...all, 'cgroup'], defaultMounts() as JsonObject[]), new Set(), 'not where it is read-only')
  t.end()
})

t.test('the owner without a user namespace, and of a uid that is not mapped', (t) => {
  const config = (uid: number, uidMappings: typeof range, ...types: string[]) =>
    ({
      mounts: [{ destination: '/sys/fs/cgroup', source: 'cgroup', options: [] }],
      process: { user: { uid } },
      linux: { namespaces: ['cgroup', ...types].map((type) => ({ type })), uidMappings },
    }) as unknown as Parameters<typeof cgroupOwner>[0]
  t.equal(cgroupOwner(config(9, [])), 9)
  t.equal(cgroupOwner(config(0, [])), undefined, 'root owns it already')
  t.equal(cgroupOwner(config(70000, range)), undefined)
  t.equal(cgroupOwner(config(9, [], 'user')), undefined, 'nobody knows whom a joined one maps it to')
  t.end()
})

/** The host paths that these steps clone, by name or by a descriptor that the previous step opened. */
const pathsCloned = (steps: readonly Step[]): string[] =>
  steps.flatMap((step, index) => {
    if (step.op !== 'open_tree') return []
    if (step.path !== undefined) return [step.path]
    const before = steps[index - 1]
    return before?.op === 'openat2' && before.at === undefined && before.into === step.at ? [before.path] : []
  })

t.test('the runtime of root clones mounts that init cannot reach, init the others', (t) => {
  const own = [{ containerID: 0, hostID: 1000, size: 1 }]
  const mounts = [...(defaultMounts() as JsonObject[]), { destination: '/v', type: 'bind', source: '/v' }]
  const cloned = (planned: ReturnType<typeof planNamespaces>, side: 'runtimeSteps' | 'containerSteps') =>
    pathsCloned(planned.plan[side])
  const wanted = ['/bundle/rootfs', '/v', '/dev/null']
  const byRuntime = planWith({
    hostname: '',
    mounts,
    linux: { ...mapped, namespaces: [{ type: 'user' }, { type: 'mount' }] },
  })
  const linux = { uidMappings: own, gidMappings: own, namespaces: [{ type: 'user' }, { type: 'mount' }] }
  const byInit = planWith({ hostname: '', mounts, linux }, { host: userHost })
  t.same(
    wanted.filter((path) => cloned(byRuntime, 'runtimeSteps').includes(path)),
    wanted,
  )
  t.same(
    cloned(byRuntime, 'containerSteps').filter((path) => wanted.includes(path)),
    [],
  )
  t.same(
    wanted.filter((path) => cloned(byInit, 'containerSteps').includes(path)),
    wanted,
  )
  t.same(cloned(byInit, 'runtimeSteps'), [], 'an ordinary user may not clone anything')
  t.end()
})

t.test('the runtime clones the root file system where it is root of the user namespace that owns its mounts', (t) => {
  const clones = (probe: HostProbe, types: readonly string[]): boolean =>
    planNamespaces(types, {}, { host: probe }).plan.runtimeSteps.some(({ op }) => op === 'open_tree')
  const nested: HostProbe = { ...hybridHost, inUserNamespace: true }
  t.equal(clones(hybridHost, ['mount']), false)
  t.equal(clones(hybridHost, ['mount', 'user']), true)
  t.equal(clones(nested, ['mount']), true)
  t.equal(clones({ ...nested, ownsMounts: false }, ['mount']), false, 'as in unshare -r')
  t.equal(clones({ ...nested, ownsMounts: false }, ['mount', 'user']), false)
  t.end()
})
