// Runs a plan to its end. The caller handles pauses, for what TypeScript does, and the outcome.

import type { Context } from '../cli/context.ts'
import { wantsDebug } from '../cli/log.ts'
import type { LaunchEvent, Native } from '../native.ts'
import { printStep } from '../plan/print.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'

export type PlanEnd = Exclude<LaunchEvent, { readonly kind: 'paused' }>

/**
 * Calls `pause` with the step at which the machine stopped and init's pid. If it throws, the launch is abandoned and
 * init killed.
 */
export function runPlan(
  native: Native,
  plan: LaunchPlan,
  pause: (step: Step | undefined, pid: number) => void,
): PlanEnd {
  let event = native.launch(plan)
  while (event.kind === 'paused') {
    try {
      pause(plan.runtimeSteps[event.step], event.pid)
    } catch (error) {
      native.abandon()
      throw error
    }
    event = native.resume()
  }
  return event
}

/** --debug: every step before the launch, since init cannot log them. */
export function debugPlan({ log, globals }: Pick<Context, 'log' | 'globals'>, id: string, plan: LaunchPlan): void {
  if (!wantsDebug(globals)) return
  log.debug(`launching ${id}: ${plan.runtimeSteps.length} + ${plan.containerSteps.length} steps`)
  const lists = { runtime: plan.runtimeSteps, container: plan.containerSteps }
  for (const [name, steps] of Object.entries(lists))
    for (const [i, step] of steps.entries())
      log.debug(`${name} step ${i}: ${step.from}: ${printStep(step, plan.slots)}`)
}
