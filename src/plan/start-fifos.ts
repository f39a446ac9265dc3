// How `start` and the waiting init of a created container find each other: two FIFOs in the state directory, one for the request and one
// for what came of it. When they are made and waited for is decided in steps.ts.

import type { PlanContext } from './context.ts'
import type { Step } from './launch-plan.ts'

const FIFO_MODE = 0o600

/** The FIFOs over which `runt start` and the waiting init talk. */
export function startFifos({ options, shared }: PlanContext): Step[] {
  if (options.mode === 'run') return []
  const [request, report] = [shared.start.request, shared.start.report]
  const path = options.stateDirectory
  return [
    { op: 'mkfifo', from: 'create', path: `${path}/report.fifo`, mode: FIFO_MODE, into: report },
    { op: 'mkfifo', from: 'create', path: `${path}/start.fifo`, mode: FIFO_MODE, into: request },
  ]
}

/** Where init stops until `start` asks for more. */
export const startWait = ({ options, shared }: PlanContext): Step[] =>
  options.mode === 'run' ? [] : [{ op: 'start_wait', from: 'start', ...shared.start }]
