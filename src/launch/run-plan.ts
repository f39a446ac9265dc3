// Runs a plan to its end. The caller handles pauses, for what TypeScript does, and the outcome.

import type { LaunchEvent, Native } from '../native.ts'
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
