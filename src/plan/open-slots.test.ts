// Only the declared descriptors are open when init resolves a name from an image, a config or a container (faults.md
// S1), in every golden plan, for `create`, `run` and `exec`; plan-robust.test.ts checks the same for random plans.

import t from 'tap'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { cases } from './fixtures/cases.ts'
import { planOf, planWith } from './fixtures/plan-of.ts'
import { forgotten, undeclared } from './testing/open-slots.ts'

for (const [name, launch] of Object.entries(cases))
  for (const mode of ['create', 'run'] as const)
    t.test(`${mode} ${name}: nothing undeclared is open`, (t) => {
      const { plan } = planOf({ ...launch, options: { ...launch.options, mode } })
      t.same(undeclared(plan), [])
      t.same(forgotten(plan), [], 'the runtime keeps nothing that it handed over')
      t.end()
    })

/** The plan without the steps that match. */
const without = (plan: LaunchPlan, dropped: (step: Step) => boolean): LaunchPlan => ({
  ...plan,
  containerSteps: plan.containerSteps.filter((step) => !dropped(step)),
})

t.test('the rule detects an open descriptor', (t) => {
  const { plan } = planWith({})
  t.match(undeclared(without(plan, ({ op }) => op === 'close_range')).join('\n'), /process\.cwd .*chdir: .*root/)
  const open = undeclared(
    without(plan, ({ op, from }) => op === 'close_temporaries' && from.startsWith('linux.maskedPaths')),
  )
  t.match(open.join('\n'), /linux\.readonlyPaths .*open_covered: .*mask/)
  t.not(undeclared(without(plan, ({ op }) => op === 'close_temporaries')).length, 0)
  t.end()
})
