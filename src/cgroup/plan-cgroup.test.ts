import t from 'tap'
import type { Resources } from '../config/config.ts'
import { noResources } from '../config/no-resources.ts'
import type { RuntError } from '../errors.ts'
import type { Step } from '../steps/launch-plan.ts'
import { claimOf } from './claim.ts'
import { type CgroupHost, parseHierarchies } from './hierarchies.ts'
import { type CgroupInput, planCgroup } from './plan-cgroup.ts'

const hybrid = parseHierarchies({
  cgroupMounts: [
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    '34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset',
    '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ],
  ownCgroups: '5:name=systemd:/\n4:devices:/\n3:cpuset:/\n2:memory:/own\n1:cpu,cpuacct:/\n0::/somewhere\n',
  unifiedControllers: 'rdma\n',
})
const unified = parseHierarchies({
  cgroupMounts: ['30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw'],
  ownCgroups: '0::/user.slice/session-1.scope\n',
  unifiedControllers: 'cpuset cpu io memory pids\n',
})

t.test('hybrid, default path: below the own cgroup of each hierarchy, limits before the join', (t) => {
  const resources: Resources = { ...noResources, memory: { ...noResources.memory, limit: 1048576n, swap: 2097152n } }
  const plan = planFor(hybrid, { resources })
  t.same(render(plan.runtimeSteps), [
    'mkdir -p /sys/fs/cgroup/devices/web',
    '[1] = claim /sys/fs/cgroup/devices/web/tasks in /run/runt.lock ?2,13,30',
    '/sys/fs/cgroup/devices/web trusted.runt.state = /run/runt/web ?95,1,13,28',
    '/sys/fs/cgroup/devices/web/devices.deny <- a',
    '[3] = open /sys/fs/cgroup/devices/web/devices.allow',
    ...['c *:* m', 'b *:* m', 'c 1:3 rwm', 'c 1:8 rwm', 'c 1:7 rwm', 'c 5:0 rwm', 'c 1:5 rwm', 'c 1:9 rwm'].map(
      (rule) => `[3] <- ${rule}`,
    ),
    '[3] <- c 136:* rwm',
    '[3] <- c 5:2 rwm',
    '[3] <- c 10:200 rwm',
    'close [3]',
    '[2] = open /sys/fs/cgroup/devices/web/tasks',
    'mkdir -p /sys/fs/cgroup/cpu,cpuacct/web',
    '[4] = open /sys/fs/cgroup/cpu,cpuacct/web/tasks',
    '/sys/fs/cgroup/cpuset/cgroup.clone_children <- 1',
    'mkdir /sys/fs/cgroup/cpuset/web',
    '[5] = open /sys/fs/cgroup/cpuset/web/tasks',
    'mkdir -p /sys/fs/cgroup/memory/own/web',
    '/sys/fs/cgroup/memory/own/web/memory.limit_in_bytes <- 1048576',
    '/sys/fs/cgroup/memory/own/web/memory.memsw.limit_in_bytes <- 2097152',
    '[6] = open /sys/fs/cgroup/memory/own/web/tasks',
    'mkdir -p /sys/fs/cgroup/systemd/web ?2,13,1,30',
    '[7] = open /sys/fs/cgroup/systemd/web/tasks ?2,13,1,30',
    'mkdir -p /sys/fs/cgroup/unified/web ?2,13,1,30',
    '[8] = open /sys/fs/cgroup/unified/web ?2,13,1,30',
  ])
  t.same(render(plan.containerSteps), [
    '[2] <- 0',
    '[4] <- 0',
    '[5] <- 0',
    '[6] <- 0',
    '[7] <- 0 ?2,13,1,30',
    'close [1,2,4,5,6,7]',
  ])
  t.same(plan.inherit, [1, 2, 4, 5, 6, 7])
  t.equal(plan.cgroupSlot, 8)
  t.equal(plan.deviceFilter, undefined, 'the devices controller is there')
  t.equal(plan.paths.cpuacct, '/sys/fs/cgroup/cpu,cpuacct/web')
  t.equal(plan.paths[''], '/sys/fs/cgroup/unified/web')
  t.equal(plan.directories.length, 6)
  t.end()
})

t.test('every step has the property it comes from', (t) => {
  const resources: Resources = { ...noResources, cpu: { shares: 512n } }
  const step = planFor(hybrid, { resources }).runtimeSteps.find(
    (candidate) => 'data' in candidate && candidate.data === '512',
  )
  t.equal(step?.from, 'linux.resources.cpu.shares')
  t.end()
})

t.test('an absolute path counts from the mounts, a relative one from the own cgroups', (t) => {
  const memory = (cgroupsPath: string) => planFor(hybrid, { cgroupsPath }).paths.memory
  t.equal(memory('/a/b'), '/sys/fs/cgroup/memory/a/b')
  t.equal(memory('a/./b//'), '/sys/fs/cgroup/memory/own/a/b')
  t.throws(() => memory('/./'), { code: 'host', message: 'linux.cgroupsPath: "/./" names the root cgroup' })
  for (const path of ['..', '/..', '../../etc/z', '/a/../b'])
    t.throws(() => memory(path), { message: `linux.cgroupsPath: "${path}" must not have ".." in it` })
  t.equal(memory('/a..b/...'), '/sys/fs/cgroup/memory/a..b/...')
  t.end()
})

t.test('v2: in a threaded subtree, each new level is made threaded', (t) => {
  const plan = planFor(unified, { cgroupsPath: '/a/b/c', threaded: '/sys/fs/cgroup/a' })
  const steps = render(plan.runtimeSteps)
  t.same(steps.slice(0, 4), [
    'mkdir /sys/fs/cgroup/a/b',
    '/sys/fs/cgroup/a/b/cgroup.type <- threaded',
    'mkdir /sys/fs/cgroup/a/b/c',
    '/sys/fs/cgroup/a/b/c/cgroup.type <- threaded',
  ])
  const enabled = new Set(steps.flatMap((line) => /<- \+(\w+)/.exec(line)?.[1] ?? []))
  t.same([...enabled], ['cpuset', 'cpu', 'pids'], 'no controller that cannot be there')
  t.end()
})

t.test('cpuset: each new level gets its values from the level above', (t) => {
  const steps = render(planFor(hybrid, { cgroupsPath: '/a/b' }).runtimeSteps).filter((line) =>
    line.includes('/cpuset/'),
  )
  t.same(steps, [
    '/sys/fs/cgroup/cpuset/cgroup.clone_children <- 1',
    'mkdir /sys/fs/cgroup/cpuset/a',
    '/sys/fs/cgroup/cpuset/a/cgroup.clone_children <- 1',
    'mkdir /sys/fs/cgroup/cpuset/a/b',
    '[5] = open /sys/fs/cgroup/cpuset/a/b/tasks',
  ])
  t.end()
})

t.test('v2: controllers are passed down, the directory is opened for CLONE_INTO_CGROUP, devices are a program', (t) => {
  const resources: Resources = { ...noResources, pids: { limit: 10n } }
  const plan = planFor(unified, { resources, cgroupsPath: '/a/b' })
  t.same(render(plan.runtimeSteps), [
    'mkdir -p /sys/fs/cgroup/a/b',
    '[1] = claim /sys/fs/cgroup/a/b/cgroup.threads in /run/runt.lock ?2,13,30',
    '/sys/fs/cgroup/a/b trusted.runt.state = /run/runt/web ?95,1,13,28',
    '/sys/fs/cgroup/cgroup.subtree_control <- +cpuset +cpu +io +memory +pids ?2,16,95,22',
    '/sys/fs/cgroup/a/cgroup.subtree_control <- +cpuset +cpu +io +memory +pids ?2,16,95,22',
    '/sys/fs/cgroup/a/b/pids.max <- 10',
    '[2] = open /sys/fs/cgroup/a/b',
  ])
  t.same(render(plan.containerSteps), ['close [1]'])
  t.same(plan.inherit, [1])
  t.equal(plan.cgroupSlot, 2)
  t.equal(plan.deviceFilter?.slot, 2)
  t.equal(
    planFor(unified, {}).paths[''],
    '/sys/fs/cgroup/user.slice/web',
    'by default beside the own cgroup, not in it',
  )
  t.end()
})

t.test('v2: no program where every device is allowed', (t) => {
  const resources: Resources = { ...noResources, devices: [{ allow: true, access: 'rwm' }] }
  t.equal(planFor(unified, { resources }).deviceFilter, undefined)
  t.end()
})

t.test('v2: delegation to the container user', (t) => {
  const owned = (host: CgroupHost) =>
    planFor(host, { owner: 100000 }).runtimeSteps.flatMap((step) =>
      step.op === 'fchownat' ? [[step.path, step.uid, step.at]] : [],
    )
  t.same(owned(unified).slice(0, 2), [
    ['', 100000, 2],
    ['cgroup.procs', 100000, 2],
  ])
  t.same(owned(hybrid), [])
  t.end()
})

t.test('rootless: without a path and without limits nothing has to succeed; with either it has to', (t) => {
  const fatal = (input: Partial<CgroupInput>, host: CgroupHost) =>
    planFor(host, { rootless: true, ...input })
      .runtimeSteps.filter((step) => step.tolerate === undefined && step.op !== 'close')
      .map((step) => step.op)
  t.same(fatal({}, hybrid), [])
  t.same(fatal({}, unified), [])
  t.same(fatal({ cgroupsPath: '/a' }, unified), ['mkdirat', 'openat2'])
  t.same(fatal({ resources: { ...noResources, pids: { limit: 2n } } }, unified), ['mkdirat', 'write_file', 'openat2'])
  const plan = planFor(unified, { rootless: true })
  t.equal(plan.deviceFilter, undefined)
  t.ok(
    render(plan.runtimeSteps).includes('[2] <- +memory ?2,16,95,22'),
    'a delegated subtree has some controllers only',
  )
  t.end()
})

t.test('a limit of one task is written when init is ready', (t) => {
  const late = (limit: bigint) => planFor(unified, { resources: { ...noResources, pids: { limit } } })
  for (const limit of [0n, 1n]) {
    const plan = late(limit)
    t.same(
      plan.runtimeSteps.filter((step) => step.op === 'write_file' && step.path.endsWith('pids.max')),
      [],
    )
    t.match(plan.late, [{ op: 'write_file', path: /pids\.max$/, data: '1', from: 'linux.resources.pids.limit' }])
  }
  for (const limit of [-1n, 2n]) t.equal(late(limit).late, undefined)
  t.end()
})

t.test('a controller that neither hierarchy has is named, with the property; all of them at once', (t) => {
  const resources: Resources = {
    ...noResources,
    pids: { limit: 10n },
    network: { classID: 5, priorities: [] },
    unified: { 'memory.high': '1' },
  }
  try {
    planFor(hybrid, { resources })
    t.fail('must throw')
  } catch (error) {
    t.equal((error as RuntError).code, 'host')
    t.same((error as RuntError).problems, [
      { path: 'linux.resources.pids.limit', message: 'the pids controller is not available on this host (cgroup v1)' },
      {
        path: 'linux.resources.network.classID',
        message: 'the net_cls controller is not available on this host (cgroup v1)',
      },
      { path: 'linux.resources.unified', message: 'invalid configuration: cannot use unified on cgroup v1' },
    ])
  }
  t.end()
})

t.test('hybrid: a controller that only the v2 tree has is used there, and only it is passed on', (t) => {
  const resources: Resources = { ...noResources, rdma: { mlx5_0: { hcaHandles: 3 } } }
  const steps = render(planFor(hybrid, { resources, cgroupsPath: '/a' }).runtimeSteps).filter((line) =>
    line.includes('unified'),
  )
  t.same(steps, [
    'mkdir -p /sys/fs/cgroup/unified/a',
    '/sys/fs/cgroup/unified/cgroup.subtree_control <- +rdma ?2,16,95,22',
    '/sys/fs/cgroup/unified/a/rdma.max <- mlx5_0 hca_handle=3',
    '[8] = open /sys/fs/cgroup/unified/a',
  ])
  t.end()
})

t.test('no hierarchy, or v1 without the devices controller: refused', (t) => {
  t.throws(() => planFor({ mode: 'none', hierarchies: [] }, {}), {
    message: 'linux.cgroupsPath: no cgroup hierarchy is mounted',
  })
  const v1: CgroupHost = {
    mode: 'v1',
    hierarchies: hybrid.hierarchies.filter((hierarchy) => hierarchy.controllers[0] === 'memory'),
  }
  t.throws(() => planFor(v1, {}), { message: /^linux.resources.devices: the devices controller is not mounted/ })
  t.end()
})

function planFor(host: CgroupHost, input: Partial<CgroupInput>) {
  let next = 1
  return planCgroup(
    {
      id: 'web',
      claims: '/run/runt.lock',
      stateDirectory: '/run/runt/web',
      resources: noResources,
      rootless: false,
      ...input,
    },
    host,
    { allocate: () => next++ },
  )
}

/** One line a step, like a shell command; `?` precedes the tolerated errnos. */
function render(steps: readonly Step[]): string[] {
  return steps.map((step) => line(step) + (step.tolerate === undefined ? '' : ` ?${step.tolerate.join(',')}`))
}

function line(step: Step): string {
  switch (step.op) {
    case 'mkdirat':
      return `mkdir ${step.parents === 1 ? '-p ' : ''}${step.path}`
    case 'write_file':
      return `${step.path} <- ${step.data}`
    case 'openat2':
      return `[${step.into}] = open ${step.path}`
    case 'claim_cgroup':
      return `[${step.into}] = claim ${step.list} in ${step.path}`
    case 'setxattr':
      return `${step.path} ${step.name} = ${step.value}`
    case 'write':
      return `[${step.fd}] <- ${step.data}`
    case 'close':
      return `close [${step.slots.join()}]`
    default:
      return step.op
  }
}

t.test('each cgroup is claimed by a byte of its own', async (t) => {
  const offsets = ['/sys/fs/cgroup/a', '/sys/fs/cgroup/b', '/sys/fs/cgroup/ab', '/sys/fs/cgroup/a/b'].map(
    (path) => claimOf({ '': path })?.offset ?? -1,
  )
  t.equal(new Set(offsets).size, offsets.length)
  t.ok(offsets.every((offset) => Number.isSafeInteger(offset) && offset >= 0))
  t.same(claimOf({ '': '/u', devices: '/sys/fs/cgroup/a' })?.offset, offsets[0], 'whatever hierarchy it is in')
})
