// The steps that the first process of a container and the processes of `exec` share, in order: from the creation of the
// namespaces until the program can be executed (config.md, "Process"). order.ts and plan-exec.ts order the rest.

import { ENOSYS, PR_SET_DUMPABLE, SIGHUP, SIGINT, SIGTERM } from '../steps/constants.ts'
import { markSlots, type Step, slotsOf } from '../steps/launch-plan.ts'
import { TEMPORARIES } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanOptions, ProcessContext } from './context.ts'
import {
  boundingSteps,
  capabilitySteps,
  keepSysAdminSteps,
  noNewPrivilegesSteps,
  standardStreamSteps,
  userSteps,
} from './credentials.ts'
import { memoryPolicySteps } from './memory-policy.ts'
import { lateRlimitSteps, personalitySteps, programSteps, rlimitSteps, schedulingSteps, umaskStep } from './process.ts'
import type { SeccompSteps } from './seccomp.ts'
import { cwdAsUserSteps, cwdStep } from './working-directory.ts'

/** Otherwise processes of the container that see init could trace it and take its descriptors (CVE-2016-9962). */
export const notDumpable: Step = { op: 'prctl', from: 'init', option: PR_SET_DUMPABLE, arg2: 0 }

/** After standard input, output and error. */
const FIRST_FD = 3

/** The field of `clone` and `close_range` with the caller's descriptors that the process inherits. */
export const preserved = ({
  preserveFds,
}: Pick<PlanOptions, 'preserveFds'>): { readonly preserve?: readonly number[] } =>
  preserveFds.length === 0 ? {} : { preserve: preserveFds }

export interface ProcessOrder {
  /** Steps that need no privileges, between the last one that does and the filter. */
  readonly become?: readonly Step[]
  /** The steps that follow processSteps(). */
  readonly after: readonly Step[]
  /** `wait`: init waits for `start`, and until then signals that end a program end it, as in runc. */
  readonly start: 'wait' | 'at once'
}

/**
 * Privileged steps first, then the credentials, then steps as that user. From close_range on, init resolves names chosen by an image, a
 * config or a container, so it only holds descriptors that later steps need (CVE-2024-21626). Without no_new_privs loading a filter needs
 * CAP_SYS_ADMIN, which is then kept until everything else is done, so that the filter needs to allow as little as possible of what init
 * does.
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
      first: FIRST_FD,
      keep: slotsOf(later, 'slot'),
      ...preserved(context.options),
    },
    ...standardStreamSteps(context),
    ...boundingSteps(context),
    cwdStep(context),
    ...userSteps(context),
    ...cwdAsUserSteps(context),
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

/** More than kernels support; the kernel ignores bits without a CPU. */
const CPU_COUNT = 8192

/** Allows all CPUs of the cpuset, whatever the caller's affinity; so it runs after the cgroups are entered. */
export const allCpus = (from: string): Step => ({
  op: 'sched_setaffinity',
  from,
  mask: new Uint8Array(CPU_COUNT / 8).fill(0xff),
})

/** A session keyring for the container, because its processes could otherwise read the caller's keys (keyrings(7)). */
export function keyringSteps({ options }: ProcessContext): Step[] {
  if (options.keyring === 'keep' || (RUNT_WEAKEN && isWeakened('keyring'))) return []
  return [{ op: 'join_session_keyring', from: 'session keyring', name: `_ses.${options.id}`, tolerate: [ENOSYS] }]
}

const FILLED = 1
const READ = 2

/**
 * Slots that the runtime fills before the clone and init reads; `own` is for the runtime alone. The search through init's hundreds of
 * steps stops at the last of them: the FIFOs of `start` and a listener's socket are read by the last steps, all others by the first.
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
