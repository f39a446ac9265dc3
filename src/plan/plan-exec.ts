// The plan of `exec` (not in the spec, runc-exec(8)): a process joins a container's cgroups and namespaces instead of
// creating them, and then gets the same settings as the container's first process. Pure, like plan.ts; no other file
// decides the order of an exec. exec-process.ts decides what the process is.

import { type JoinInput, type JoinPlan, planJoin } from '../cgroup/plan-join.ts'
import type { Config, NamespaceType, Process } from '../config/config.ts'
import { type LaunchPlan, type Step, SYNC_READY, SYNC_RECORDED } from '../steps/launch-plan.ts'
import { createSlots } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanOptions, ProcessContext, SectionSteps } from './context.ts'
import { capabilityWarnings } from './credentials.ts'
import { affinitySteps } from './exec-affinity.ts'
import { attachSteps, type Joined, joinSteps, terminalSteps } from './exec-join.ts'
import { type HostFacts, isTolerant, type RootlessFlag } from './host-facts.ts'
import { keyLabelSteps, refuseLabels } from './labels.ts'
import { execveStep, hostProcSteps } from './process.ts'
import { inheritedSlots, keyringSteps, notDumpable, preserved, processSteps } from './process-steps.ts'
import { type AgentState, seccompSteps } from './seccomp.ts'

/** The container to join, as recorded. */
export interface ExecTarget {
  readonly pid: number
  readonly startTime: string
  readonly bundle: string
  /** The `tasks` files of its class of service. */
  readonly rdtTasks?: readonly string[]
  readonly cgroups: { readonly [controller: string]: string }
  readonly attach?: JoinInput['attach']
  /** --rootless at its creation. */
  readonly rootless?: RootlessFlag | undefined
  /** v2: the current cgroup of its first process. */
  readonly initCgroup?: string | undefined
  /** Namespaces of the config that the runtime is already in: the kernel refuses to join one's own user namespace. */
  readonly own: readonly NamespaceType[]
  /** Namespaces of its first process that are not in the config (record.ts). */
  readonly more?: readonly NamespaceType[] | undefined
}

export interface ExecOptions
  extends Pick<PlanOptions, 'id' | 'keyring' | 'preserveFds' | 'consoleSocket' | 'plainNewlines'> {
  /** The values of --cgroup. */
  readonly subgroups: readonly string[]
}

export interface ExecPlan {
  readonly plan: LaunchPlan
  readonly warnings: readonly string[]
}

/** Plans `exec` of `process` in the container of `config`. */
export function planExec(
  config: Config,
  process: Process,
  target: ExecTarget,
  facts: HostFacts,
  given: ExecOptions,
): ExecPlan {
  const { linux } = config
  refuseLabels({ process, linux, facts })
  const modes = modesOf(linux, target)
  const slots = createSlots()
  const options = { ...given, mode: 'exec' } as const
  const namespaces = { of: (type: NamespaceType) => modes.get(type) ?? 'host' } as const
  const context: ProcessContext = { config, process, linux, facts, options, slots, namespaces }
  const cgroup = planJoin(joinInput(target, facts, given), slots)
  const sections = {
    cgroup,
    attached: attachSteps(cgroup),
    joined: joinSteps(context, target, [...modes.keys()]),
    terminal: terminalSteps(context),
    seccomp: seccompSteps(context, agentState(config, given.id, target)),
  }
  const containerSteps = orderContainer(context, sections)
  const runtimeSteps = orderRuntime(context, sections, containerSteps, target)
  const { denied } = sections.seccomp
  const plan = { slots: slots.names, runtimeSteps, containerSteps, ...(denied && { denied }) }
  // `create` has warned about the container's own sets.
  const isOwn = process.capabilities === config.process?.capabilities
  return { plan, warnings: isOwn ? [] : capabilityWarnings(context) }
}

/** The namespaces to join. */
function modesOf({ namespaces }: Config['linux'], { own, more }: ExecTarget): Map<NamespaceType, 'new' | 'join'> {
  const modes = new Map<NamespaceType, 'new' | 'join'>(
    namespaces
      .filter(({ type }) => !own.includes(type))
      .map(({ type, path }) => [type, path === undefined ? 'new' : 'join'] as const),
  )
  for (const type of more ?? []) modes.set(type, 'join')
  return modes
}

const joinInput = (
  { cgroups: paths, initCgroup: initPath, attach, rootless }: ExecTarget,
  facts: HostFacts,
  { subgroups }: ExecOptions,
): JoinInput => ({
  paths,
  subgroups,
  initPath,
  attach,
  rootless: isTolerant(rootless, facts),
  hierarchies: facts.cgroups.hierarchies,
})

interface Sections {
  readonly cgroup: JoinPlan
  readonly attached: SectionSteps
  readonly joined: Joined
  readonly terminal: ReturnType<typeof terminalSteps>
  readonly seccomp: ReturnType<typeof seccompSteps>
}

function orderContainer(context: ProcessContext, { cgroup, attached, joined, terminal, seccomp }: Sections): Step[] {
  const { process } = context
  // Only a child is in the container's pid namespace, where processes with CAP_SYS_PTRACE can trace it: so init forks
  // after it has dropped its privileges. A scheduling policy may not be inherited (sched(7)) and needs privileges, so
  // it forces an early fork.
  const forksLate = process.scheduler === undefined && !(RUNT_WEAKEN && isWeakened('late-fork'))
  const become: Step[] = [...(forksLate ? joined.fork : []), { op: 'setsid', from: 'exec' }, ...terminal.attach]
  const after: Step[] = [
    { op: 'sync_send', from: 'exec', point: SYNC_READY },
    { op: 'sync_wait', from: 'exec', point: SYNC_RECORDED },
    ...seccomp.last,
    execveStep(context),
  ]
  return [
    ...attached.container,
    ...cgroup.containerSteps,
    ...affinitySteps('final', process.execCPUAffinity),
    ...hostProcSteps(context),
    ...keyLabelSteps(context),
    // From the next step on processes of the container may see init, if its pid namespace is the host's.
    notDumpable,
    ...joined.container,
    ...(forksLate ? [] : joined.fork),
    ...keyringSteps(context),
    ...terminal.container,
    ...processSteps(context, seccomp, { become, after, start: 'at once' }),
    ...after,
  ]
}

function orderRuntime(
  { process, options }: ProcessContext,
  { cgroup, attached, joined, terminal, seccomp }: Sections,
  containerSteps: readonly Step[],
  { rdtTasks = [] }: ExecTarget,
): Step[] {
  const beforeClone: Step[] = [...joined.runtime, ...cgroup.runtimeSteps, ...terminal.runtime, ...seccomp.connect]
  return [
    ...beforeClone,
    ...affinitySteps('initial', process.execCPUAffinity),
    {
      op: 'clone',
      from: '--cgroup',
      flags: 0,
      cgroup: cgroup.cgroupSlot,
      inherit: inheritedSlots(beforeClone, containerSteps, cgroup.cgroupSlot),
      ...preserved(options),
      forks: joined.fork.length > 0 ? 1 : 0,
      ...cgroup.crowded,
    },
    ...attached.runtime,
    ...terminal.runtimeAfter,
    ...seccomp.deliver,
    { op: 'sync_wait', from: 'exec', point: SYNC_READY },
    ...rdtTasks.map((path): Step => ({ op: 'write_pid', from: 'linux.intelRdt', path })),
    { op: 'save_state', from: 'exec' },
    { op: 'sync_send', from: 'exec', point: SYNC_RECORDED },
    { op: 'sync_exec', from: 'exec' },
  ]
}

/** The container's state for a seccomp agent. */
function agentState({ ociVersion, annotations }: Config, id: string, { pid, bundle }: ExecTarget): AgentState {
  return { ociVersion, id, status: 'running', bundle, annotations, pid }
}
