// What the first process of a container and the processes of `exec` have in common, in order: from the moment at which the
// namespaces are there until the program can be executed (config.md, "Process"). The order of the rest is steps.ts's and
// plan-exec.ts's.

import { isWeakened } from '../weaken.ts'
import { ENOSYS, PR_SET_DUMPABLE, SIGHUP, SIGINT, SIGTERM } from './constants.ts'
import type { ProcessContext } from './context.ts'
import {
  boundingSteps,
  capabilitySteps,
  keepSysAdminSteps,
  noNewPrivilegesSteps,
  standardStreamSteps,
  userSteps,
} from './credentials.ts'
import { markSlots, type Step, slotsOf } from './launch-plan.ts'
import { memoryPolicySteps } from './memory-policy.ts'
import {
  cwdStep,
  lateRlimitSteps,
  personalitySteps,
  programSteps,
  rlimitSteps,
  schedulingSteps,
  umaskStep,
} from './process.ts'
import type { SeccompSteps } from './seccomp.ts'
import { TEMPORARIES } from './slots.ts'

/** Without this, processes of the container that see init could trace it and take its descriptors (CVE-2016-9962). */
export const notDumpable: Step = { op: 'prctl', from: 'init', option: PR_SET_DUMPABLE, arg2: 0 }

export interface ProcessOrder {
  /** Steps between the last that needs privileges and the filter: they need none. */
  readonly become?: readonly Step[]
  /** The steps that follow processSteps(). */
  readonly after: readonly Step[]
  /** `wait`: init waits for `start` there, and until then ends by the signals that end a program, as runc's init does. */
  readonly start: 'wait' | 'at once'
}

/**
 * What needs privileges first, then who the process is, then what that user may do. From close_range on names are resolved that an
 * image, a config or a container chose, so init holds nothing but what later steps need (CVE-2024-21626). Without no_new_privs loading
 * a filter needs CAP_SYS_ADMIN, which is then kept until everything else is done: what init does under the filter, the filter has to
 * allow.
 */
export function processSteps(context: ProcessContext, seccomp: SeccompSteps, order: ProcessOrder): Step[] {
  const isPrivileged = seccomp.privileged.length > 0
  const { become = [], after, start } = order
  const later = [...become, ...seccomp.privileged, ...seccomp.delivered, ...after]
  return [
    ...schedulingSteps(context),
    ...memoryPolicySteps(context),
    ...personalitySteps(context),
    ...rlimitSteps(context),
    {
      op: 'close_range',
      from: '--preserve-fds',
      first: 3 + context.options.preserveFds,
      keep: slotsOf(later, 'slot'),
    },
    ...standardStreamSteps(context),
    ...boundingSteps(context),
    cwdStep(context),
    ...userSteps(context),
    ...(isPrivileged ? keepSysAdminSteps(context) : capabilitySteps(context)),
    ...noNewPrivilegesSteps(context),
    umaskStep(context),
    ...programSteps(context),
    ...become,
    ...lateRlimitSteps(context),
    { op: 'reset_signals', from: 'process', ...(start === 'wait' && { ending: [SIGHUP, SIGINT, SIGTERM] }) },
    ...seccomp.privileged,
    ...(isPrivileged ? capabilitySteps(context) : []),
    ...seccomp.delivered,
  ]
}

/** More than kernels are built for: what is no CPU is ignored. */
const CPU_COUNT = 8192

/** Whatever CPUs the caller was bound to, the process may use those of its cpuset; so after the cgroups are entered. */
export const allCpus = (from: string): Step => ({
  op: 'sched_setaffinity',
  from,
  mask: new Uint8Array(CPU_COUNT / 8).fill(0xff),
})

/** The session keyring of the container's own, or its processes could read the caller's keys (keyrings(7)). */
export function keyringSteps({ options }: ProcessContext): Step[] {
  if (options.keyring === 'keep' || (RUNT_WEAKEN && isWeakened('keyring'))) return []
  return [{ op: 'join_session_keyring', from: '--no-new-keyring', name: `_ses.${options.id}`, tolerate: [ENOSYS] }]
}

const FILLED = 1
const READ = 2

/**
 * Slots that the runtime fills before the clone and init reads; `own` is for the runtime alone. Init's steps are looked
 * through only until the last of them is found, for there are hundreds: the FIFOs of `start` and a listener's socket are read
 * by the last steps, all else by the first.
 */
export function inheritedSlots(before: readonly Step[], container: readonly Step[], own: number | undefined): number[] {
  const filled = slotsOf(before, 'into').filter((slot) => slot !== own && slot > TEMPORARIES)
  const marks = new Uint8Array(filled.reduce((most, slot) => Math.max(most, slot), -1) + 1)
  for (const slot of filled) marks[slot] = FILLED
  for (const step of before) if (step.op === 'close') for (const slot of step.slots) marks[Number(slot)] = 0
  let missing = filled.filter((slot) => marks[slot] === FILLED).length
  for (let i = 0; missing > 0 && i * 2 < container.length; i++) {
    missing -= markSlots(container[i] as Step, marks, FILLED, READ)
    missing -= markSlots(container[container.length - 1 - i] as Step, marks, FILLED, READ)
  }
  return filled.filter((slot) => marks[slot] === READ)
}
