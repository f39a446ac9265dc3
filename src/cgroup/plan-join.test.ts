import t from 'tap'
import { type JoinInput, planJoin } from './plan-join.ts'

const hybrid = { cpu: '/c/web', cpuacct: '/c/web', memory: '/m/web', '': '/u/web' }
const unified = { '': '/sys/fs/cgroup/web' }

t.test('the container own cgroups, each directory once', (t) => {
  const plan = planFor({ paths: hybrid })
  t.same(opened(plan), ['/c/web/tasks', '/m/web/tasks', '/u/web'])
  t.same(
    plan.containerSteps.map((step) => (step.op === 'write' ? [step.fd, step.data] : step.op)),
    [[1, '0'], [2, '0'], 'close'],
  )
  t.same(plan.inherit, [1, 2])
  t.equal(plan.cgroupSlot, 3)
  t.end()
})

t.test('sub cgroups: one for all, or by controller', (t) => {
  t.same(opened(planFor({ paths: hybrid, subgroups: ['a/b'] })), ['/c/web/a/b/tasks', '/m/web/a/b/tasks', '/u/web'])
  t.same(opened(planFor({ paths: hybrid, subgroups: ['cpu,cpuacct:/x', 'memory:/'] })), [
    '/c/web/x/tasks',
    '/m/web/tasks',
    '/u/web',
  ])
  t.same(opened(planFor({ paths: unified, subgroups: ['/a'] })), ['/sys/fs/cgroup/web/a'])
  t.end()
})

t.test('v2: where init is, unless a cgroup is named', (t) => {
  const initPath = '/sys/fs/cgroup/web/init.scope'
  t.same(opened(planFor({ paths: unified, initPath })), [initPath])
  t.same(opened(planFor({ paths: unified, initPath, subgroups: ['/'] })), ['/sys/fs/cgroup/web'])
  t.end()
})

t.test('the cgroup in which exec forks if the container is at its pids limit', (t) => {
  const pids = { version: 1, controllers: ['pids'], mountpoint: '/p', root: '/', own: '/' } as const
  const tree = { version: 2, controllers: [], mountpoint: '/u', root: '/', own: '/session' } as const
  const crowded = (input: Partial<JoinInput>) => planFor({ hierarchies: [tree, pids], ...input }).crowded
  t.same(crowded({ paths: { ...hybrid, pids: '/p/web' } }), { leave: '/p/cgroup.procs', enter: '/p/web/cgroup.procs' })
  const subgroups = ['pids:/a']
  t.same(crowded({ paths: { ...hybrid, pids: '/p/web' }, subgroups })?.enter, '/p/web/a/cgroup.procs')
  const initPath = '/u/web/init.scope'
  t.same(crowded({ paths: { '': '/u/web' }, initPath }), {
    leave: '/u/session/cgroup.procs',
    enter: `${initPath}/cgroup.procs`,
  })
  t.equal(crowded({ paths: {} }), undefined)
  t.end()
})

t.test('systemd moves the process if the runtime has no permission', (t) => {
  const scope = { unit: 'x.scope', directory: '/sys/fs/cgroup/web' }
  const plan = planFor({ paths: unified, attach: scope, subgroups: ['/a'] })
  t.same(plan, {
    runtimeSteps: [],
    containerSteps: [],
    inherit: [],
    attach: { unit: 'x.scope', subgroup: '/a' },
  })
  t.same(planFor({ paths: unified, attach: scope }).attach, { unit: 'x.scope', subgroup: '' })
  const initPath = '/sys/fs/cgroup/web/init.scope'
  t.same(planFor({ paths: unified, attach: scope, initPath }).attach, { unit: 'x.scope', subgroup: '/init.scope' })
  t.end()
})

t.test('errors of join have the text of runc', (t) => {
  const refused: [string[], string][] = [
    [['../x'], 'bad sub cgroup path: ../x'],
    [['a/../../x'], 'bad sub cgroup path: a/../../x'],
    [['nope:/x'], 'unknown controller nope'],
    [['constructor:/x'], 'unknown controller constructor'],
    [['a', 'b'], 'invalid --cgroup argument: a (missing <controller>: prefix)'],
    [[':a'], 'invalid --cgroup argument: :a (empty <controller> prefix)'],
    [['cpu:a', 'cpu:b'], 'invalid --cgroup argument(s): controller cpu specified multiple times'],
  ]
  for (const [subgroups, message] of refused) {
    t.throws(() => planFor({ paths: hybrid, subgroups }), { code: 'usage', message })
  }
  t.end()
})

t.test('rootless: joining is tried', (t) => {
  const plan = planFor({ paths: hybrid, rootless: true })
  t.ok(
    [...plan.runtimeSteps, ...plan.containerSteps].every((step) => step.op === 'close' || step.tolerate?.includes(13)),
  )
  t.end()
})

function planFor(input: Partial<JoinInput>) {
  let next = 1
  return planJoin({ paths: {}, subgroups: [], rootless: false, hierarchies: [], ...input }, { allocate: () => next++ })
}

function opened(plan: ReturnType<typeof planJoin>) {
  return plan.runtimeSteps.map((step) => (step.op === 'openat2' ? step.path : step.op))
}
