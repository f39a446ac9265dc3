/** config.md "Linux Process", `scheduler`: which members each policy takes, from sched_setattr(2) and sched(7). */

import type { Scheduler } from '../config.ts'
import type { Report } from '../rule.ts'

export function checkScheduler(scheduler: Scheduler, path: string, report: Report): void {
  const { policy, nice, priority, runtime, deadline, period } = scheduler
  const isRealTime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
  if (policy === 'SCHED_ISO') report(`${path}.policy`, 'SCHED_ISO is reserved, Linux does not implement it')
  if (nice < -20 || nice > 19) report(`${path}.nice`, `must be from -20 to 19, not ${nice}`)
  if (isRealTime && (priority < 1 || priority > 99)) {
    report(`${path}.priority`, `must be from 1 to 99 for ${policy}, not ${priority}`)
  }
  if (!isRealTime && priority !== 0) {
    report(`${path}.priority`, `must be 0 for ${policy}: only SCHED_FIFO and SCHED_RR have a priority`)
  }
  if (policy === 'SCHED_DEADLINE') {
    checkDeadline(scheduler, path, report)
  } else if (runtime > 0n || deadline > 0n || period > 0n) {
    report(path, `runtime, deadline and period are for SCHED_DEADLINE, not for ${policy}`)
  }
}

/** The kernel requires runtime <= deadline <= period (a period of 0 means the deadline) and at least 1024 ns. */
function checkDeadline({ runtime, deadline, period }: Scheduler, path: string, report: Report): void {
  if (runtime < 1024n) report(`${path}.runtime`, `must be at least 1024 for SCHED_DEADLINE, not ${runtime}`)
  if (deadline < runtime) report(`${path}.deadline`, `${deadline} is below the runtime, ${runtime}`)
  if (period !== 0n && period < deadline) report(`${path}.period`, `${period} is below the deadline, ${deadline}`)
}
