// The plan of `exec` (no section of the spec, runc-exec(8)): a process that joins a container's cgroups and namespaces instead of
// making them, and then becomes what the container's first process became. Pure, like plan.ts, and the only place that decides
// the order of an exec. What the process is decides exec-process.ts.

import { type JoinInput, type JoinPlan, planJoin } from '../cgroup/plan-join.ts'
import type { Config, CpuAffinity, NamespaceType, Process } from '../config/config.ts'
import { parseIdList } from '../config/id-list.ts'
import { isWeakened } from '../weaken.ts'
import {
  DEVPTS_SUPER_MAGIC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from './constants.ts'
import type { PlanOptions, ProcessContext, SectionSteps } from './context.ts'
import { capabilityWarnings } from './credentials.ts'
import type { HostFacts } from './host-facts.ts'
import { type LaunchPlan, type Step, SYNC_CGROUPS, SYNC_READY, SYNC_RECORDED } from './launch-plan.ts'
import { becomeRoot, namespaceFlags } from './namespaces.ts'
import { execveStep, hostProcSteps } from './process.ts'
import { allCpus, inheritedSlots, keyringSteps, notDumpable, processSteps } from './process-steps.ts'
import { type AgentState, seccompSteps } from './seccomp.ts'
import { createSlots } from './slots.ts'
import { ptySteps } from './terminal.ts'

/** The container that is joined, as its record has it. */
export interface ExecTarget {
  readonly pid: number
  readonly startTime: string
  readonly bundle: string
  /** Of its class of service. */
  readonly rdtTasks?: readonly string[]
  readonly cgroups: { readonly [controller: string]: string }
  readonly attach?: JoinInput['attach']
  /** v2: the cgroup in which its first process is now. */
  readonly initCgroup?: string | undefined
  /** Namespaces of the config in which the runtime is itself: the kernel refuses to join one's own user namespace. */
  readonly own: readonly NamespaceType[]
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

/** Plan `exec` of `process` in the container of `config`. */
export function planExec(
  config: Config,
  process: Process,
  target: ExecTarget,
  facts: HostFacts,
  given: ExecOptions,
): ExecPlan {
  const { linux } = config
  const slots = createSlots()
  const modes = new Map(
    linux.namespaces
      .filter(({ type }) => !target.own.includes(type))
      .map(({ type, path }) => [type, path === undefined ? 'new' : 'join'] as const),
  )
  const options = { ...given, mode: 'exec' } as const
  const namespaces = { of: (type: NamespaceType) => modes.get(type) ?? 'host' } as const
  const context: ProcessContext = { config, process, linux, facts, options, slots, namespaces }
  const rootless = facts.euid !== 0 || facts.inUserNamespace
  const { cgroups: paths, initCgroup: initPath } = target
  const cgroup = planJoin({ paths, subgroups: given.subgroups, initPath, attach: target.attach, rootless }, slots)
  const joined = joinSteps(context, target, [...modes.keys()])
  const terminal = terminalSteps(context)
  const seccomp = seccompSteps(context, agentState(config, given.id, target))

  const attached = attachSteps(cgroup)
  // Only a child is in the container's pid namespace, where processes with CAP_SYS_PTRACE can trace it: it is born when init has given
  // up its privileges. A scheduling policy may not be inherited (sched(7)), and needs privileges.
  const forksLate = process.scheduler === undefined && !(RUNT_WEAKEN && isWeakened('late-fork'))
  const become: Step[] = [...(forksLate ? joined.fork : []), { op: 'setsid', from: 'exec' }, ...terminal.attach]
  const after: Step[] = [
    { op: 'sync_send', from: 'exec', point: SYNC_READY },
    { op: 'sync_wait', from: 'exec', point: SYNC_RECORDED },
    ...seccomp.last,
    execveStep(context),
  ]

  const containerSteps: Step[] = [
    ...attached.container,
    ...cgroup.containerSteps,
    ...affinitySteps('final', process.execCPUAffinity),
    ...hostProcSteps(context),
    // From the next step on processes of the container may see init, in a pid namespace that is the host's.
    notDumpable,
    ...joined.container,
    ...(forksLate ? [] : joined.fork),
    ...keyringSteps(context),
    ...terminal.container,
    ...processSteps(context, seccomp, { become, after, start: 'at once' }),
    ...after,
  ]
  const beforeClone: Step[] = [...joined.runtime, ...cgroup.runtimeSteps, ...terminal.runtime, ...seccomp.connect]
  const runtimeSteps: Step[] = [
    ...beforeClone,
    ...affinitySteps('initial', process.execCPUAffinity),
    {
      op: 'clone',
      from: '--cgroup',
      flags: 0,
      cgroup: cgroup.cgroupSlot,
      inherit: inheritedSlots(beforeClone, containerSteps, cgroup.cgroupSlot),
      forks: joined.fork.length > 0 ? 1 : 0,
    },
    ...attached.runtime,
    ...terminal.runtimeAfter,
    ...seccomp.deliver,
    { op: 'sync_wait', from: 'exec', point: SYNC_READY },
    ...(target.rdtTasks ?? []).map((path): Step => ({ op: 'write_pid', from: 'linux.intelRdt', path })),
    { op: 'save_state', from: 'exec' },
    { op: 'sync_send', from: 'exec', point: SYNC_RECORDED },
    { op: 'sync_exec', from: 'exec' },
  ]
  const { denied } = seccomp
  const plan = { slots: slots.names, runtimeSteps, containerSteps, ...(denied && { denied }) }
  // Of what the container's own sets lack `create` has warned.
  const isOwn = process.capabilities === config.process?.capabilities
  return { plan, warnings: isOwn ? [] : capabilityWarnings(context) }
}

/** Before the process joins anything: systemd moves what it can see. */
function attachSteps({ attach }: JoinPlan): SectionSteps {
  if (attach === undefined) return { runtime: [], container: [] }
  const from = '--cgroup'
  return {
    runtime: [
      { op: 'attach_unit', from, ...attach },
      { op: 'sync_send', from, point: SYNC_CGROUPS },
    ],
    container: [{ op: 'sync_wait', from, point: SYNC_CGROUPS }],
  }
}

/** What a seccomp agent is told of the container. */
function agentState({ ociVersion, annotations }: Config, id: string, { pid, bundle }: ExecTarget): AgentState {
  return { ociVersion, id, status: 'running', bundle, annotations, pid }
}

interface Joined {
  readonly runtime: readonly Step[]
  readonly container: readonly Step[]
  readonly fork: readonly Step[]
}

/** One setns(2) for all namespaces. Without a mount namespace the container's root is one that chroot(2) made. */
function joinSteps({ linux, slots }: ProcessContext, target: ExecTarget, types: readonly NamespaceType[]): Joined {
  const from = 'linux.namespaces'
  const [pidfd, root] = [slots.allocate('init'), slots.allocate('root')]
  const runtime: Step[] = []
  const container: Step[] = []
  const hasMounts = types.includes('mount')
  // Before the pidfd, which tells whether the process was still the container's.
  if (!hasMounts) {
    const path = `/proc/${target.pid}/root`
    runtime.push({ op: 'openat2', from: 'root.path', path, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, into: root })
  }
  runtime.push({ op: 'pidfd_open', from: 'init', pid: target.pid, startTime: target.startTime, into: pidfd })
  const nstype = types.reduce((flags, type) => flags | namespaceFlags[type], 0)
  if (nstype !== 0) container.push({ op: 'setns', from, fd: pidfd, nstype })
  if (!hasMounts)
    container.push({ op: 'fchdir', from: 'root.path', fd: root }, { op: 'chroot', from: 'root.path', path: '.' })
  if (types.includes('user')) container.push(...becomeRoot(linux))
  container.push({ op: 'close', from, slots: hasMounts ? [pidfd] : [pidfd, root] })
  const fork: Step[] = types.includes('pid') ? [{ op: 'fork', from: 'linux.namespaces (pid)' }] : []
  return { runtime, container, fork }
}

/** The terminal is one of the container's own devpts. Its processes may have put anything at that path. */
function terminalSteps(context: ProcessContext) {
  if (!context.process.terminal) return ptySteps(context, undefined, () => [])
  const devpts = context.slots.allocate('devpts')
  const pty = ptySteps(context, devpts, () => [])
  const open: Step = {
    op: 'openat2',
    from: 'process.terminal',
    path: '/dev/pts',
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    resolve: RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    expectFs: DEVPTS_SUPER_MAGIC,
    into: devpts,
  }
  return { ...pty, container: [open, ...pty.container] }
}

/**
 * execCPUAffinity: `initial` before the process enters the cgroup, `final` after it did. Without either the process may use what
 * its cpuset allows, whatever the caller was bound to.
 */
function affinitySteps(when: 'initial' | 'final', affinity: CpuAffinity): Step[] {
  const list = affinity[when]
  if (list !== undefined) {
    const from = `process.execCPUAffinity.${when}`
    return [{ op: 'sched_setaffinity', from, mask: maskOf(parseIdList(list) ?? []) }]
  }
  if (when === 'initial' || affinity.initial !== undefined) return []
  return [allCpus('process.execCPUAffinity')]
}

/** A CPU set, in whole 64-bit words, as the kernel wants it. */
function maskOf(ids: readonly number[]): Uint8Array {
  const words = Math.floor(Math.max(0, ...ids) / 64) + 1
  const mask = new Uint8Array(words * 8)
  for (const id of ids) mask[id >> 3] = (mask[id >> 3] ?? 0) | (1 << (id & 7))
  return mask
}
