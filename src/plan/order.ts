// The order of a launch; no other file decides it (runtime.md "Lifecycle"). Combines the steps of the section planners
// into the lists of the runtime and of init, with the sync points between the two.

import { type LaunchPlan, type Step, SYNC_READY, SYNC_RECORDED } from '../steps/launch-plan.ts'
import type { PlanContext } from './context.ts'
import { deviceSteps } from './devices.ts'
import { type HookOutput, hookOutputOf, hookState, planHooks } from './hooks.ts'
import { hostProcWriteSteps } from './host-proc-writes.ts'
import { keyLabelSteps } from './labels.ts'
import { mountSteps } from './mounts.ts'
import {
  cgroupNamespaceSteps,
  forkSteps,
  joinSteps,
  namespaceContents,
  unshareSteps,
  userNamespaceSteps,
} from './namespaces.ts'
import { coveredPathSteps, sysctlSteps } from './paths.ts'
import { execveStep, procSteps, scoreSteps } from './process.ts'
import { allCpus, inheritedSlots, keyringSteps, notDumpable, preserved, processSteps } from './process-steps.ts'
import { enterRootDirectory, enterRootSteps, sealRootSteps, switchRootSteps } from './root.ts'
import { seccompSteps } from './seccomp.ts'
import { startFifos, startWait } from './start-fifos.ts'
import { deviceFilterSteps, hookExchange, recordSteps, unitExchange } from './sync-exchanges.ts'
import { terminalSteps } from './terminal.ts'

export interface OrderedSteps {
  readonly runtimeSteps: Step[]
  readonly containerSteps: Step[]
  readonly warnings: readonly string[]
  readonly denied?: LaunchPlan['denied']
}

/** Both lists of a launch, in order. */
export function orderSteps(context: PlanContext): OrderedSteps {
  const sections = planSections(context)
  const last = lastSteps(context, sections)
  const containerSteps = [
    ...enterCgroups(context, sections),
    ...enterNamespaces(context, sections),
    ...prepareRoot(context, sections),
    ...switchRoot(context),
    ...becomeProcess(context, sections, last),
    ...last,
  ]
  const before = beforeClone(context, sections)
  const runtimeSteps = [...before, cloneStep(context, before, containerSteps), ...afterClone(context, sections)]
  const { warnings, denied } = sections.seccomp
  return { runtimeSteps, containerSteps, warnings, ...(denied && { denied }) }
}

/** The sections that have steps in more than one phase. Each is planned once. */
function planSections(context: PlanContext) {
  const { cgroup } = context
  const joined = joinSteps(context)
  const user = userNamespaceSteps(context)
  const root = enterRootSteps(context)
  const mounts = mountSteps(context)
  const devices = deviceSteps(context)
  const terminal = terminalSteps(context)
  const seccomp = seccompSteps(context, hookState(context, 'creating'))
  const hookOutput = hookOutputOf(context, ['createContainer', 'startContainer'])
  const hooks = hookExchange(context, hookOutput)
  const deviceFilter = deviceFilterSteps(cgroup)
  const unit = unitExchange(cgroup, deviceFilter)
  const unshared = unshareSteps(context)
  return { joined, user, root, mounts, devices, terminal, seccomp, hookOutput, hooks, deviceFilter, unit, unshared }
}
type Sections = ReturnType<typeof planSections>

// ---- containerSteps ----

/** First, so that the kernel charges everything init does to the container. */
function enterCgroups({ cgroup }: PlanContext, { unit }: Sections): Step[] {
  return [...unit.container, ...cgroup.containerSteps, allCpus('linux.resources.cpu.cpus')]
}

function enterNamespaces(context: PlanContext, { joined, user, unshared }: Sections): Step[] {
  // An unprivileged runtime may only write the mappings of a dumpable process.
  const isEarly = context.namespaces.of('user') !== 'new' || context.facts.euid === 0
  return [
    ...scoreSteps(context),
    ...keyLabelSteps(context),
    // Processes in a namespace that init joins must not be able to trace it.
    ...(isEarly ? [notDumpable] : []),
    ...joined.container,
    ...user.container,
    ...unshared,
    // After the fork, processes of the container may see init.
    ...(isEarly && !unshared.some(({ op }) => op === 'prctl') ? [] : [notDumpable]),
    ...forkSteps(context),
    ...cgroupNamespaceSteps(context),
    { op: 'setsid', from: 'process' },
    ...keyringSteps(context),
    ...namespaceContents(context),
  ]
}

/** Up to the createContainer hooks, which still reach the files of the host. */
function prepareRoot(context: PlanContext, { root, mounts, devices, terminal, hooks }: Sections): Step[] {
  return [
    ...root.container,
    ...mounts.container,
    ...devices.container,
    ...terminal.container,
    ...terminal.attach,
    enterRootDirectory(context),
    ...hooks.container,
  ]
}

function switchRoot(context: PlanContext): Step[] {
  return [
    ...hostProcWriteSteps(context),
    ...switchRootSteps(context),
    ...sysctlSteps(context),
    ...coveredPathSteps(context),
    ...sealRootSteps(context),
  ]
}

/** Credentials, limits and a seccomp filter without a listener; see lastSteps for the rest. */
function becomeProcess(context: PlanContext, { seccomp }: Sections, last: readonly Step[]): Step[] {
  const start = context.options.mode === 'create' ? 'wait' : 'at once'
  return [...procSteps(context), ...processSteps(context, seccomp, { after: last, start })]
}

/** From the report that init is ready to execve(2). */
function lastSteps(context: PlanContext, { seccomp, hookOutput }: Sections): Step[] {
  const from = context.options.mode
  return [
    { op: 'sync_send', from, point: SYNC_READY },
    { op: 'sync_wait', from, point: SYNC_RECORDED },
    ...startWait(context),
    ...startSteps(context, seccomp.last, hookOutput),
  ]
}

/** Empty if the config has no process: `start` refuses that. */
function startSteps(context: PlanContext, filter: readonly Step[], output: HookOutput): Step[] {
  if (context.process.args.length === 0) return []
  return [...filter, ...planHooks(context, 'startContainer', output), execveStep(context)]
}

// ---- runtimeSteps ----

/** What init inherits is opened, and its cgroups are made. */
function beforeClone(context: PlanContext, sections: Sections): Step[] {
  const { cgroup, rdt } = context
  const { joined, root, mounts, devices, terminal, seccomp, hookOutput, deviceFilter } = sections
  return [
    ...startFifos(context),
    ...cgroup.runtimeSteps,
    ...(cgroup.unit === undefined ? deviceFilter : []),
    ...rdt.prepare,
    ...joined.runtime,
    ...root.runtime,
    ...mounts.runtime,
    ...devices.runtime,
    ...closeIdMappings(context),
    ...terminal.runtime,
    ...seccomp.connect,
    ...hookOutput.steps,
  ]
}

function cloneStep({ cgroup, namespaces, options }: PlanContext, before: Step[], containerSteps: Step[]): Step {
  return {
    op: 'clone',
    from: 'linux.namespaces',
    flags: namespaces.cloneFlags,
    cgroup: cgroup.cgroupSlot,
    inherit: inheritedSlots(before, containerSteps, cgroup.cgroupSlot),
    ...preserved(options),
    forks: namespaces.forks ? 1 : 0,
  }
}

function afterClone(context: PlanContext, { unit, user, hooks, terminal, seccomp }: Sections): Step[] {
  return [
    ...unit.runtime,
    ...user.runtime,
    ...hooks.runtime,
    ...terminal.runtimeAfter,
    ...seccomp.deliver,
    ...recordSteps(context),
  ]
}

/** The user namespaces of id-mapped mounts are needed only while the mounts are made. */
function closeIdMappings({ shared }: PlanContext): Step[] {
  const slots = [...shared.idMappings.values()]
  return slots.length === 0 ? [] : [{ op: 'close', from: 'mounts', slots }]
}
