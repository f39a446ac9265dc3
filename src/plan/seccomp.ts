// seccomp (config-linux.md "Seccomp"): compiled by seccomp-bpf-js, loaded by one step. A filter with SCMP_ACT_NOTIFY
// has a listener, which the runtime sends to the agent at listenerPath. order.ts and plan-exec.ts decide when.

import { compileSeccomp, type DeniedCall } from 'seccomp-bpf-js'
import type { Seccomp } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { formatProblems, RuntError } from '../errors.ts'
import { type Step, SYNC_LISTENER } from '../steps/launch-plan.ts'
import type { ProcessContext } from './context.ts'
import { fatalDenials, loadingOf, NEEDED } from './denied.ts'
import { type HookState, hookStdin } from './hooks.ts'
import { askingFilter } from './seccomp-log.ts'

/** The filter is loaded in one of the first three lists, which are init's. */
export interface SeccompSteps {
  /** Without no_new_privs loading needs CAP_SYS_ADMIN, so it happens before that is dropped. */
  readonly privileged: readonly Step[]
  /** A listener must be passed on while the runtime still waits. */
  readonly delivered: readonly Step[]
  /** Otherwise as late as possible, so that the filter needs to allow little of what init does. */
  readonly last: readonly Step[]
  /** In the runtime, before clone: a missing agent is an error before anything is created. */
  readonly connect: readonly Step[]
  /** In the runtime, before it waits for SYNC_READY. */
  readonly deliver: readonly Step[]
  readonly warnings: readonly string[]
  /** For the plan; undefined instead of an empty list. */
  readonly denied?: readonly DeniedCall[]
}

/** The container's state for the agent; without a pid, that of the process itself. */
export interface AgentState extends HookState {
  readonly pid?: number
}

const nothing: SeccompSteps = { privileged: [], delivered: [], last: [], connect: [], deliver: [], warnings: [] }
const SOCK_STREAM = 1

export function seccompSteps(context: ProcessContext, state: AgentState): SeccompSteps {
  const { linux, facts, process, config, options } = context
  if (linux.seccomp === undefined) return nothing
  const result = compileSeccomp(linux.seccomp, { arch: facts.arch, needed: NEEDED })
  if (!('filter' in result))
    throw new RuntError('config', formatProblems(result.problems), { path: 'linux.seccomp', problems: result.problems })
  const { filter, flags } = result
  const loading = loadingOf(process, result.listener || options.seccompLog === true)
  const hooks = options.mode === 'exec' ? [] : config.hooks.startContainer
  const denied = fatalDenials(result.denied, { loading, args: process.args, hooks })
  const told = { warnings: result.warnings, ...(denied.length > 0 && { denied }) }
  const load = { op: 'seccomp', from: 'linux.seccomp', filter, flags } as const
  if (options.seccompLog) return { ...loggedSteps(context, load, result.listener), ...told }
  if (!result.listener) {
    const part = process.noNewPrivileges ? { last: [load] } : { privileged: [load] }
    return { ...nothing, ...part, ...told }
  }
  if (!mayTake(context)) refuseNotifyOf(PASSING, linux.seccomp)
  const fd = context.slots.allocate('seccomp listener')
  const withListener: Step[] = [{ ...load, into: fd }, sendListener(context, LISTENER, fd)]
  const part = process.noNewPrivileges ? { delivered: withListener } : { privileged: withListener }
  return { ...nothing, ...part, ...deliverySteps(context, linux.seccomp, state), ...told }
}

const LISTENER = 'linux.seccomp.listenerPath'
const [FLAG_TSYNC, FLAG_NEW_LISTENER, FLAG_TSYNC_ESRCH] = [1, 8, 16]

const CAP_SYS_PTRACE = 1n << 19n
const PASSING = 'sendmsg'

/** Whether the runtime may take a descriptor from init, which is not dumpable (pidfd_getfd(2), ptrace(2)). */
const mayTake = ({ facts }: ProcessContext): boolean => facts.euid === 0 && (facts.boundingSet & CAP_SYS_PTRACE) !== 0n

/** Without that capability init must send it, by a call that the filter must allow. */
const sendListener = (context: ProcessContext, from: string, fd: number): Step => ({
  op: 'sync_send',
  from,
  point: SYNC_LISTENER,
  fd,
  ...(!mayTake(context) && { passes: 1 }),
})

/** The agent that should respond would get the listener by that very call. */
function refuseNotifyOf(name: string, { syscalls }: Seccomp): void {
  const index = syscalls.findIndex(({ action, names }) => action === 'SCMP_ACT_NOTIFY' && names.includes(name))
  if (index < 0) return
  const path = `linux.seccomp.syscalls[${index}].action`
  const why = `a runtime without CAP_SYS_PTRACE gets the listener from init by it`
  throw new RuntError('config', `${path}: SCMP_ACT_NOTIFY cannot be used for the ${name} syscall: ${why}`, { path })
}

/** --seccomp-log: the runtime itself is the agent, and responds once the container's program runs. */
function loggedSteps(context: ProcessContext, load: Extract<Step, { op: 'seccomp' }>, listener: boolean): SeccompSteps {
  const { config, facts, process, slots } = context
  if (listener) throw new RuntError('usage', '--seccomp-log: linux.seccomp has a listener of its own')
  if (process.terminal) throw new RuntError('usage', '--seccomp-log: process.terminal must be false')
  if (config.hooks.startContainer.length > 0)
    throw new RuntError('usage', '--seccomp-log: hooks.startContainer would wait for answers that nobody gives yet')
  const from = '--seccomp-log'
  const [theirs, ours] = [slots.allocate('seccomp listener'), slots.allocate('seccomp listener of the log')]
  const given = Number(load.flags)
  const flags = given | FLAG_NEW_LISTENER | (given & FLAG_TSYNC ? FLAG_TSYNC_ESRCH : 0)
  const steps: Step[] = [
    { ...load, filter: askingFilter(load.filter, facts.arch, mayTake(context) ? [] : [PASSING]), flags, into: theirs },
    sendListener(context, from, theirs),
  ]
  return {
    ...nothing,
    ...(process.noNewPrivileges ? { delivered: steps } : { privileged: steps }),
    deliver: [
      { op: 'sync_wait', from, point: SYNC_LISTENER, into: ours },
      { op: 'keep', from, fd: ours },
    ],
  }
}

/**
 * Once loaded, the filter may suspend any call of init until the agent responds. So init only writes the number of its listener
 * (config/rules/seccomp.ts refuses to notify of write), and the runtime takes the descriptor, if it may. execve(2) closes init's own copy,
 * after SYNC_RECORDED and so after the delivery.
 */
function deliverySteps(
  { slots }: ProcessContext,
  { listenerPath, listenerMetadata }: Seccomp,
  state: AgentState,
): Pick<SeccompSteps, 'connect' | 'deliver'> {
  const [socket, fd] = [slots.allocate('seccomp agent'), slots.allocate('listener for the agent')]
  const from = LISTENER
  return {
    connect: [{ op: 'connect', from, path: listenerPath ?? '', type: SOCK_STREAM, into: socket }],
    deliver: [
      { op: 'sync_wait', from, point: SYNC_LISTENER, into: fd },
      { op: 'send_state', from, socket, fd, parts: processState(state, listenerMetadata) },
      { op: 'close', from, slots: [socket, fd] },
    ],
  }
}

/** "The Container Process State" as JSON, split where the pid of the process belongs. */
function processState(state: AgentState, metadata: string | undefined): string[] {
  const { stdinHead, stdinTail } = hookStdin(state)
  const head = stringify({ ociVersion: state.ociVersion, fds: ['seccompFd'] })
  const extra = metadata === undefined ? '' : `"metadata":${stringify(metadata)},`
  const [first, second, end] = [`${head.slice(0, -1)},"pid":`, `,${extra}"state":${stdinHead}`, `${stdinTail}}`]
  return state.pid === undefined ? [first, second, end] : [first, `${second}${state.pid}${end}`]
}
