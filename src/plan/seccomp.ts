// seccomp (config-linux.md "Seccomp"): compiled by seccomp-bpf-js, loaded by one step. A filter with SCMP_ACT_NOTIFY has a listener,
// which the runtime hands to the agent at listenerPath. Where the steps stand in a plan is decided in steps.ts and plan-exec.ts.

import { compileSeccomp, type DeniedCall } from 'seccomp-bpf-js'
import type { Seccomp } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { formatProblems, RuntError } from '../errors.ts'
import type { ProcessContext } from './context.ts'
import { fatalDenials, loadingOf, NEEDED } from './denied.ts'
import { type HookState, hookStdin } from './hooks.ts'
import { type Step, SYNC_LISTENER } from './launch-plan.ts'
import { askingFilter } from './seccomp-log.ts'

/** Loading the filter is in one of the first three, all of them init's. */
export interface SeccompSteps {
  /** Without no_new_privs loading needs CAP_SYS_ADMIN, so it comes before that is given up. */
  readonly privileged: readonly Step[]
  /** A listener has to be handed over while the runtime is still there. */
  readonly delivered: readonly Step[]
  /** Else as late as possible, so that the filter needs to allow little of what init does. */
  readonly last: readonly Step[]
  /** In the runtime, before clone: a missing agent is an error before anything is made. */
  readonly connect: readonly Step[]
  /** In the runtime, before it waits for SYNC_READY. */
  readonly deliver: readonly Step[]
  readonly warnings: readonly string[]
  /** For the plan: none is no list. */
  readonly denied?: readonly DeniedCall[]
}

/** What the agent is told of the container; without a pid, that of the process itself. */
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
  const fd = context.slots.allocate('seccomp listener')
  const withListener: Step[] = [
    { ...load, into: fd },
    { op: 'sync_send', from: LISTENER, point: SYNC_LISTENER, fd },
  ]
  const part = process.noNewPrivileges ? { delivered: withListener } : { privileged: withListener }
  return { ...nothing, ...part, ...deliverySteps(context, linux.seccomp, state), ...told }
}

const LISTENER = 'linux.seccomp.listenerPath'
const [FLAG_TSYNC, FLAG_NEW_LISTENER, FLAG_TSYNC_ESRCH] = [1, 8, 16]

/** --seccomp-log: the runtime itself is the agent, and answers from the moment at which the container's program runs. */
function loggedSteps(
  { config, facts, process, slots }: ProcessContext,
  load: Extract<Step, { op: 'seccomp' }>,
  listener: boolean,
): SeccompSteps {
  if (listener) throw new RuntError('usage', '--seccomp-log: linux.seccomp has a listener of its own')
  if (process.terminal) throw new RuntError('usage', '--seccomp-log: process.terminal must be false')
  if (config.hooks.startContainer.length > 0)
    throw new RuntError('usage', '--seccomp-log: hooks.startContainer would wait for answers that nobody gives yet')
  const from = '--seccomp-log'
  const [theirs, ours] = [slots.allocate('seccomp listener'), slots.allocate('seccomp listener of the log')]
  const given = Number(load.flags)
  const flags = given | FLAG_NEW_LISTENER | (given & FLAG_TSYNC ? FLAG_TSYNC_ESRCH : 0)
  const steps: Step[] = [
    { ...load, filter: askingFilter(load.filter, facts.arch), flags, into: theirs },
    { op: 'sync_send', from, point: SYNC_LISTENER, fd: theirs },
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
 * From the moment it is loaded the filter may hold any call of init's until the agent answers. So init only writes where
 * its listener is (config/rules/seccomp.ts refuses to notify of write), and the runtime takes it from there. Init's own copy
 * ends with execve(2), which comes only after SYNC_RECORDED, hence after the delivery.
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

/** "The Container Process State" as JSON, cut where the pid of the process belongs. */
function processState(state: AgentState, metadata: string | undefined): string[] {
  const { stdinHead, stdinTail } = hookStdin(state)
  const head = stringify({ ociVersion: state.ociVersion, fds: ['seccompFd'] })
  const extra = metadata === undefined ? '' : `"metadata":${stringify(metadata)},`
  const [first, second, end] = [`${head.slice(0, -1)},"pid":`, `,${extra}"state":${stdinHead}`, `${stdinTail}}`]
  return state.pid === undefined ? [first, second, end] : [first, `${second}${state.pid}${end}`]
}
