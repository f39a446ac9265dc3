// The order of a launch, and the only place that decides it (runtime.md "Lifecycle"). Every section planner gives its steps; here they are put one
// after another, for the runtime and for init, with the points at which the two wait for each other.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import { formatGVariant } from '../cgroup/systemd/gvariant-text.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { deviceSteps } from './devices.ts'
import { type HookOutput, hookOutputOf, hookState, planHooks } from './hooks.ts'
import { type Step, SYNC_CGROUPS, SYNC_HOOKED, SYNC_NAMESPACES, SYNC_READY, SYNC_RECORDED } from './launch-plan.ts'
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
import { maskedPathSteps, readonlyPathSteps, sysctlSteps } from './paths.ts'
import { execveStep, procSteps, scoreSteps } from './process.ts'
import { allCpus, inheritedSlots, keyringSteps, notDumpable, processSteps } from './process-steps.ts'
import { enterRootDirectory, enterRootSteps, sealRootSteps, switchRootSteps } from './root.ts'
import { seccompSteps } from './seccomp.ts'
import { startFifos, startWait } from './start-fifos.ts'
import { terminalSteps } from './terminal.ts'

export interface OrderedSteps {
  readonly runtimeSteps: Step[]
  readonly containerSteps: Step[]
  readonly warnings: readonly string[]
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
  // An unprivileged runtime may write the mappings of a process that is dumpable only.
  const isEarly = namespaces.of('user') !== 'new' || facts.euid === 0
  const last: Step[] = [
    { op: 'sync_send', from: options.mode, point: SYNC_READY },
    { op: 'sync_wait', from: options.mode, point: SYNC_RECORDED },
    ...startWait(context),
    ...startSteps(context, seccomp.last, hookOutput),
  ]
  const containerSteps: Step[] = [
    // First of all, so that everything init does is accounted to the container.
    ...unit.container,
    ...cgroup.containerSteps,
    allCpus('linux.resources.cpu.cpus'),
    ...scoreSteps(context),
    // Who is in a namespace that init joins must not trace it.
    ...(isEarly ? [notDumpable] : []),
    ...joined.container,
    ...user.container,
    ...unshared,
    // The fork takes init where container processes may see it.
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
    ...switchRootSteps(context),
    ...sysctlSteps(context),
    ...readonlyPathSteps(context),
    ...maskedPathSteps(context),
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
      forks: namespaces.forks ? 1 : 0,
    },
    ...unit.runtime,
    ...user.runtime,
    ...hooks.runtime,
    ...terminal.runtimeAfter,
    ...seccomp.deliver,
    ...recordSteps(context),
  ]
  return { runtimeSteps, containerSteps, warnings: seccomp.warnings }
}

/** The user namespaces of id-mapped mounts are needed no longer than the mounts are made. */
function closeIdMappings({ shared }: PlanContext): Step[] {
  const slots = [...shared.idMappings.values()]
  return slots.length === 0 ? [] : [{ op: 'close', from: 'mounts', slots }]
}

/** None where there is no process: `start` refuses that. */
function startSteps(context: PlanContext, filter: readonly Step[], output: HookOutput): Step[] {
  if (context.process.args.length === 0) return []
  return [...filter, ...planHooks(context, 'startContainer', output), execveStep(context)]
}

/** The end of both modes: `run` records while init is still working, `create` only a container that is ready. An init that
 * forks has its pid only then. */
function recordSteps({ options, namespaces, rdt }: PlanContext): Step[] {
  const from = options.mode
  const ready: Step = { op: 'sync_wait', from, point: SYNC_READY }
  const record: Step[] = [
    { op: 'save_state', from },
    { op: 'sync_send', from, point: SYNC_RECORDED },
  ]
  if (options.mode === 'create') return [ready, ...rdt.assign, ...record]
  // A class of service has to be entered between the two, as well.
  const waits = namespaces.forks || rdt.assign.length > 0
  return [...(waits ? [ready, ...rdt.assign, ...record] : [...record, ready]), { op: 'sync_exec', from }]
}

/** systemd's cgroups begin with a process: init waits in the runtime's until it is moved, and the devices there are guarded. */
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

/** prestart and createRuntime run in the runtime's namespaces once the container's exist, then createContainer in
 * the container's; all before pivot_root, so that they can still reach the host's files. */
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

/** Before the clone, where that can be: the container is born in the cgroup, and must not be able to open a device there for a moment. */
export function deviceFilterSteps({ deviceFilter }: CgroupPlan): Step[] {
  if (deviceFilter === undefined) return []
  const { slot, program, from } = deviceFilter
  return [{ op: 'bpf_prog_attach', from, cgroup: slot, program }]
}
