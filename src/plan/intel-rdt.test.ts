import t from 'tap'
import type { JsonObject } from '../config/json.ts'
import type { Step } from '../steps/launch-plan.ts'
import { planWith, stepsFrom } from './fixtures/plan-of.ts'
import { planRdt, planRdtUpdate, type ResctrlFacts } from './intel-rdt.ts'

const plan = (intelRdt: JsonObject, resctrl?: ResctrlFacts) =>
  planWith({ linux: { intelRdt } }, { options: resctrl === undefined ? {} : { resctrl } })
const mounted: ResctrlFacts = { mountpoint: '/sys/fs/resctrl' }
const writes = (intelRdt: JsonObject, resctrl: ResctrlFacts) =>
  stepsFrom(plan(intelRdt, resctrl), 'linux.intelRdt').map((step) => {
    const { op, path, data } = step as { op: string; path: string; data?: string }
    return `${op} ${path}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`
  })

t.test('no steps without linux.intelRdt', (t) => {
  t.same(planRdt(undefined, 'web', mounted), { prepare: [], assign: [], tasks: [], directories: [] })
  t.end()
})

t.test('linux.intelRdt without resctrl is an error', (t) => {
  t.throws(() => plan({ closID: 'gold' }), { code: 'host', message: /^linux\.intelRdt: no resctrl file system/ })
  t.end()
})

t.test('a class of the container, in the order of the spec, is removed with it', (t) => {
  const rdt = { schemata: ['L2:0=f'], memBwSchema: 'MB:0=20', l3CacheSchema: 'L3:0=7f0' }
  t.same(writes(rdt, mounted), [
    'mkdirat /sys/fs/resctrl/web',
    'write_file /sys/fs/resctrl/web/schemata "L3:0=7f0\\n"',
    'write_file /sys/fs/resctrl/web/schemata "MB:0=20\\n"',
    'write_file /sys/fs/resctrl/web/schemata "L2:0=f\\n"',
    'write_pid /sys/fs/resctrl/web/tasks',
  ])
  t.same(plan(rdt, mounted).rdt.directories, ['/sys/fs/resctrl/web'])
  t.end()
})

t.test('a named class is made if it has a schema, and stays', (t) => {
  const rdt = { closID: 'gold', l3CacheSchema: 'L3:0=f' }
  t.match(writes(rdt, mounted), ['mkdirat /sys/fs/resctrl/gold', /write_file/, 'write_pid /sys/fs/resctrl/gold/tasks'])
  t.same(plan(rdt, mounted).rdt.directories, [])
  t.throws(() => plan({ closID: 'gold' }, mounted), { message: /closID gold does not exist/ })
  t.end()
})

t.test('an existing class is joined and must match the config', (t) => {
  const exists = { ...mounted, schemata: '    MB:0= 20;1= 70\n    L3:0=00f;1=7ff\n' }
  t.same(writes({ closID: 'gold' }, exists), ['write_pid /sys/fs/resctrl/gold/tasks'])
  t.match(writes({ closID: 'gold', l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:1=70' }, exists), [
    /schemata/,
    /schemata/,
    /tasks/,
  ])
  t.throws(() => plan({ closID: 'gold', l3CacheSchema: 'L3:0=e' }, exists), {
    code: 'host',
    path: 'linux.intelRdt.l3CacheSchema',
  })
  t.throws(() => plan({ closID: 'gold', memBwSchema: 'MB:2=70' }, exists), {
    code: 'host',
    path: 'linux.intelRdt.memBwSchema',
  })
  t.end()
})

t.test('an update: other schemas for the class, or a class of its own for all processes', (t) => {
  const texts = (steps: readonly Step[]): string[] =>
    steps.map((step) => ('data' in step && 'path' in step ? `${step.path} ${step.data}` : step.op))
  const schemas = { memBwSchema: 'MB:0=70', l3CacheSchema: 'L3:0=f' }
  const known = { tasks: ['/r/gold/tasks', '/r/gold/mon_groups/web/tasks'], directories: ['/r/gold/mon_groups/web'] }
  const inClass = planRdtUpdate(schemas, known)
  t.same(texts(inClass.steps), ['/r/gold/schemata L3:0=f\n', '/r/gold/schemata MB:0=70\n'])
  t.equal(inClass.rdt, known)
  const fresh = planRdtUpdate({ l3CacheSchema: 'L3:0=f' }, { group: '/r/web', exists: false, pids: [4, 711] })
  t.same(texts(fresh.steps), ['mkdirat', '/r/web/schemata L3:0=f\n', '/r/web/tasks 4\n', '/r/web/tasks 711\n'])
  t.same(fresh.rdt, { tasks: ['/r/web/tasks'], directories: ['/r/web'] })
  t.same(planRdtUpdate({}, { group: '/r/web', exists: true, pids: [] }).rdt.directories, [], 'it was there before')
  t.end()
})

t.test('the default class', (t) => {
  t.same(writes({ closID: '/' }, { ...mounted, schemata: 'L3:0=f\n' }), ['write_pid /sys/fs/resctrl/tasks'])
  t.end()
})

t.test('a monitoring group in any class is removed with the container', (t) => {
  const planned = plan({ closID: 'gold', enableMonitoring: true }, { ...mounted, schemata: '' })
  t.same(planned.rdt.directories, ['/sys/fs/resctrl/gold/mon_groups/web'])
  t.same(planned.rdt.tasks, ['/sys/fs/resctrl/gold/tasks', '/sys/fs/resctrl/gold/mon_groups/web/tasks'])
  const own = plan({ enableMonitoring: true }, mounted)
  t.same(own.rdt.directories, ['/sys/fs/resctrl/web/mon_groups/web', '/sys/fs/resctrl/web'], 'inside first')
  t.end()
})

t.test('the pid is written once it is final, before the process runs', (t) => {
  for (const mode of ['create', 'run'] as const) {
    const { plan } = planWith({ linux: { intelRdt: {} } }, { options: { resctrl: mounted, mode } })
    const ops = plan.runtimeSteps.map(({ op }) => op)
    t.same(ops.slice(ops.indexOf('clone') + 1, ops.indexOf('save_state') + 2), [
      'sync_wait',
      'write_pid',
      'save_state',
      'sync_send',
    ])
  }
  t.end()
})
