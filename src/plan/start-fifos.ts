// The connection between `start` and the waiting init of a created container: two FIFOs in the state directory, one for
// the request and one for the outcome. order.ts decides when they are created and waited for.

import { REPORT_FIFO, START_FIFO, type Step } from '../steps/launch-plan.ts'
import type { PlanContext } from './context.ts'

const FIFO_MODE = 0o600

/** The FIFOs of `runt start` and the waiting init. */
export function startFifos({ options, shared }: PlanContext): Step[] {
  if (options.mode === 'run') return []
  const [request, report] = [shared.start.request, shared.start.report]
  const path = options.stateDirectory
  return [
    { op: 'mkfifo', from: 'create', path: `${path}/${REPORT_FIFO}`, mode: FIFO_MODE, into: report },
    { op: 'mkfifo', from: 'create', path: `${path}/${START_FIFO}`, mode: FIFO_MODE, into: request },
  ]
}

/** Init waits here for `start`. */
export const startWait = ({ options, shared }: PlanContext): Step[] =>
  options.mode === 'run' ? [] : [{ op: 'start_wait', from: 'start', ...shared.start }]
