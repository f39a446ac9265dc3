import t from 'tap'
import type { Step } from '../steps/launch-plan.ts'
import { planWith, stepsOf } from './fixtures/plan-of.ts'
import { type HookState, hookStdin, planLaterHooks } from './hooks.ts'

const state: HookState = {
  ociVersion: '1.3.0',
  id: 'a "quoted" id',
  status: 'created',
  bundle: '/b\\ü',
  annotations: { 'k"': 'v\n' },
}

t.test('stdin is the state, with any content', (t) => {
  const { stdinHead, stdinTail } = hookStdin(state)
  t.strictSame(JSON.parse(`${stdinHead}42${stdinTail}`), { ...state, pid: 42 })
  t.end()
})

t.test('stdin without annotations', (t) => {
  const { stdinHead, stdinTail } = hookStdin({ ...state, annotations: {} })
  const { annotations: _, ...rest } = state
  t.strictSame(JSON.parse(`${stdinHead}1${stdinTail}`), { ...rest, pid: 1 })
  t.end()
})

t.test('args default to the path, the environment to nothing, the timeout to none', (t) => {
  const planned = planWith({
    hooks: { createRuntime: [{ path: '/h' }, { path: '/i', args: ['a'], timeout: 3, env: ['E=1'] }] },
  })
  t.match(stepsOf(planned, 'run_hook'), [
    { from: 'hooks.createRuntime[0] (/h)', args: ['/h'], env: [], timeout: 0 },
    { from: 'hooks.createRuntime[1] (/i)', args: ['a'], env: ['E=1'], timeout: 3 },
  ])
  t.end()
})

t.test('hooks of each kind run at their position', (t) => {
  const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']
  const { plan } = planWith({ hooks: Object.fromEntries(kinds.map((kind) => [kind, [{ path: `/${kind}` }]])) })
  const names = (steps: readonly { op: string; from: string }[], ...ops: string[]) =>
    steps
      .filter(({ op }) => op === 'run_hook' || ops.includes(op))
      .map(({ op, from }) => (op === 'run_hook' ? from : op))
  t.same(names(plan.runtimeSteps, 'clone', 'save_state'), [
    'clone',
    'hooks.prestart[0] (/prestart)',
    'hooks.createRuntime[0] (/createRuntime)',
    'save_state',
  ])
  t.same(names(plan.containerSteps, 'pivot_root', 'start_wait', 'execve'), [
    'hooks.createContainer[0] (/createContainer)',
    'pivot_root',
    'start_wait',
    'hooks.startContainer[0] (/startContainer)',
    'execve',
  ])
  t.end()
})

t.test('hooks of later commands have the recorded pid, each in its own plan', (t) => {
  const hook = { path: '/p', args: [], env: [] }
  const plans = planLaterHooks('poststop', [hook, { ...hook, path: '/q' }], state, 77)
  t.match(
    plans.map(({ runtimeSteps }) => runtimeSteps),
    [
      [{ op: 'run_hook', from: 'hooks.poststop[0] (/p)', pid: 77 }],
      [{ op: 'run_hook', from: 'hooks.poststop[1] (/q)', pid: 77 }],
    ],
  )
  t.end()
})

t.test('run.oci.hooks.stdout and stderr: files that are opened before the clone, only for hooks', (t) => {
  const annotations = { 'run.oci.hooks.stdout': '/log/out', 'run.oci.hooks.stderr': '/log/err' }
  const open = (plan: { readonly runtimeSteps: readonly Step[] }) =>
    plan.runtimeSteps.filter((step) => step.from.startsWith('annotations'))
  t.same(open(planWith({ annotations }).plan), [], 'no hooks, no files')
  const planned = planWith({ annotations, hooks: { createContainer: [{ path: '/c' }] } })
  t.match(open(planned.plan), [
    { op: 'openat2', path: '/log/out', from: 'annotations["run.oci.hooks.stdout"] (/log/out)' },
    { op: 'openat2', path: '/log/err' },
  ])
  const [output, errors] = open(planned.plan).map((step) => (step.op === 'openat2' ? step.into : -1))
  t.match(stepsOf(planned, 'run_hook'), [{ output, errors }])
  t.same(stepsOf(planned, 'clone')[0]?.inherit.slice(-2), [output, errors], 'init has them')
  const [later] = planLaterHooks('poststart', [{ path: '/p', args: [], env: [] }], { ...state, annotations }, 1)
  const slots = later?.runtimeSteps.map((step) => (step.op === 'openat2' ? step.into : undefined))
  t.match(later?.runtimeSteps, [{ op: 'openat2' }, { op: 'openat2' }, { output: slots?.[0], errors: slots?.[1] }])
  t.end()
})
