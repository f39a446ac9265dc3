// The order of a launch; no other file decides it (runtime.md "Lifecycle"). Combines the steps of the section planners
// into the lists of the runtime and of init, with the sync points between the two.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import {
  type LaunchPlan,
  type Step,
  SYNC_CGROUPS,
  SYNC_HOOKED,
  SYNC_NAMESPACES,
  SYNC_READY,
  SYNC_RECORDED,
} from '../steps/launch-plan.ts'
import { formatGVariant } from '../systemd/gvariant-text.ts'
import type { PlanContext, SectionSteps } from './context.ts'
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
import { netDeviceSteps } from './net-devices.ts'
import { coveredPathSteps, sysctlSteps } from './paths.ts'
import { execveStep, procSteps, scoreSteps } from './process.ts'
import { allCpus, inheritedSlots, keyringSteps, notDumpable, preserved, processSteps } from './process-steps.ts'
import { enterRootDirectory, enterRootSteps, sealRootSteps, switchRootSteps } from './root.ts'
import { seccompSteps } from './seccomp.ts'
import { startFifos, startWait } from './start-fifos.ts'
import { terminalSteps } from './terminal.ts'

export interface OrderedSteps {
  readonly runtimeSteps: Step[]
  readonly containerSteps: Step[]
  readonly warnings: readonly string[]
  readonly denied?: LaunchPlan['denied']
}

/** Both lists of a launch, in order. */
export function orderSteps(context: PlanContext): OrderedSteps {
  const { options, cgroup, namespaces, facts } = context
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
  // An unprivileged runtime may only write the mappings of a dumpable process.
  const isEarly = namespaces.of('user') !== 'new' || facts.euid === 0
  const last: Step[] = [
    { op: 'sync_send', from: options.mode, point: SYNC_READY },
    { op: 'sync_wait', from: options.mode, point: SYNC_RECORDED },
    ...startWait(context),
    ...startSteps(context, seccomp.last, hookOutput),
  ]
  const containerSteps: Step[] = [
    // First, so that the kernel charges everything init does to the container.
    ...unit.container,
    ...cgroup.containerSteps,
    allCpus('linux.resources.cpu.cpus'),
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
    ...root.container,
    ...mounts.container,
    ...devices.container,
    ...terminal.container,
    ...terminal.attach,
    enterRootDirectory(context),
    ...hooks.container,
    ...hostProcWriteSteps(context),
    ...switchRootSteps(context),
    ...sysctlSteps(context),
    ...coveredPathSteps(context),
    ...sealRootSteps(context),
    ...procSteps(context),
    ...processSteps(context, seccomp, { after: last, start: options.mode === 'create' ? 'wait' : 'at once' }),
    ...last,
  ]

  const beforeClone: Step[] = [
    ...startFifos(context),
    ...cgroup.runtimeSteps,
    ...(cgroup.unit === undefined ? deviceFilter : []),
    ...context.rdt.prepare,
    ...joined.runtime,
    ...root.runtime,
    ...mounts.runtime,
    ...devices.runtime,
    ...closeIdMappings(context),
    ...terminal.runtime,
    ...seccomp.connect,
    ...hookOutput.steps,
  ]
  const runtimeSteps: Step[] = [
    ...beforeClone,
    {
      op: 'clone',
      from: 'linux.namespaces',
      flags: namespaces.cloneFlags,
      cgroup: cgroup.cgroupSlot,
      inherit: inheritedSlots(beforeClone, containerSteps, cgroup.cgroupSlot),
      ...preserved(context.options),
      forks: namespaces.forks ? 1 : 0,
    },
    ...unit.runtime,
    ...user.runtime,
    ...hooks.runtime,
    ...terminal.runtimeAfter,
    ...seccomp.deliver,
    ...recordSteps(context),
  ]
  const { warnings, denied } = seccomp
  return { runtimeSteps, containerSteps, warnings, ...(denied && { denied }) }
}

/** The user namespaces of id-mapped mounts are needed only while the mounts are made. */
function closeIdMappings({ shared }: PlanContext): Step[] {
  const slots = [...shared.idMappings.values()]
  return slots.length === 0 ? [] : [{ op: 'close', from: 'mounts', slots }]
}

/** Empty if the config has no process: `start` refuses that. */
function startSteps(context: PlanContext, filter: readonly Step[], output: HookOutput): Step[] {
  if (context.process.args.length === 0) return []
  return [...filter, ...planHooks(context, 'startContainer', output), execveStep(context)]
}

/**
 * The end of both modes: `run` writes state.json while init is still working, `create` only once the container is
 * ready. An init that forks has its final pid only then.
 */
function recordSteps({ options, namespaces, rdt, cgroup: { late = [] } }: PlanContext): Step[] {
  const from = options.mode
  const ready: Step = { op: 'sync_wait', from, point: SYNC_READY }
  const record: Step[] = [
    { op: 'save_state', from },
    { op: 'sync_send', from, point: SYNC_RECORDED },
  ]
  const complete = [ready, ...late, ...rdt.assign, ...record]
  if (options.mode === 'create') return complete
  // A class of service must be joined between the two, as well, and late limits are set then.
  const waits = namespaces.forks || rdt.assign.length + late.length > 0
  return [...(waits ? complete : [...record, ready]), { op: 'sync_exec', from }]
}

/**
 * A systemd scope starts with a process: init waits in the runtime's cgroup until it is moved, and the device filter is
 * loaded first.
 */
export function unitExchange({ unit }: CgroupPlan, deviceFilter: readonly Step[]): SectionSteps {
  if (unit === undefined) return { runtime: [], container: [] }
  const from = 'linux.cgroupsPath'
  const properties = unit.properties.map((property) => `${property.name}=${formatGVariant(property)}`)
  return {
    runtime: [
      { op: 'start_unit', from, unit: unit.name, properties },
      ...unit.steps,
      ...deviceFilter,
      { op: 'sync_send', from, point: SYNC_CGROUPS },
    ],
    container: [{ op: 'sync_wait', from, point: SYNC_CGROUPS }],
  }
}

/**
 * prestart and createRuntime hooks run in the runtime's namespaces once the container's exist, then createContainer
 * hooks in the container's; all before pivot_root, so that they can still reach the host's files.
 */
function hookExchange(context: PlanContext, outputOfInit: HookOutput): { runtime: Step[]; container: Step[] } {
  const byInit = planHooks(context, 'createContainer', outputOfInit)
  const from = 'hooks'
  const output = hookOutputOf(context, ['prestart', 'createRuntime'])
  const byRuntime = [
    ...context.delegated,
    ...netDeviceSteps(context),
    ...output.steps,
    ...planHooks(context, 'prestart', output),
    ...planHooks(context, 'createRuntime', output),
    ...output.steps.flatMap((step): Step[] =>
      step.op === 'openat2' ? [{ op: 'close', from, slots: [step.into] }] : [],
    ),
  ]
  if (byRuntime.length === 0) return { runtime: [], container: byInit }
  return {
    runtime: [
      { op: 'sync_wait', from, point: SYNC_NAMESPACES },
      ...byRuntime,
      { op: 'sync_send', from, point: SYNC_HOOKED },
    ],
    container: [
      { op: 'sync_send', from, point: SYNC_NAMESPACES },
      { op: 'sync_wait', from, point: SYNC_HOOKED },
      ...byInit,
    ],
  }
}

/** Before the clone if possible: init starts in the cgroup and must never be able to open a denied device. */
export function deviceFilterSteps({ deviceFilter }: CgroupPlan): Step[] {
  if (deviceFilter === undefined) return []
  const { slot, program, from } = deviceFilter
  return [{ op: 'bpf_prog_attach', from, cgroup: slot, program }]
}
