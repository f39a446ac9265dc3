// Runs a plan to its end. Where it pauses, for what is TypeScript's to do, the caller does that; what comes of the end is the caller's.

import type { LaunchEvent, Native } from '../native.ts'
import type { LaunchPlan, Step } from '../plan/launch-plan.ts'

export type PlanEnd = Exclude<LaunchEvent, { readonly kind: 'paused' }>

/** `pause` is told of the step that waits and of init's pid. Where it throws, the launch is given up and init killed. */
export function runPlan(
  native: Native,
  plan: LaunchPlan,
  preserveFds: number,
  pause: (step: Step | undefined, pid: number) => void,
): PlanEnd {
  let event = native.launch(plan, { preserveFds })
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
