// The steps that the runtime and init execute between two sync points while the other side waits. order.ts places them.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import {
  type Step,
  SYNC_CGROUPS,
  SYNC_HOOKED,
  SYNC_NAMESPACES,
  SYNC_READY,
  SYNC_RECORDED,
} from '../steps/launch-plan.ts'
import { formatGVariant } from '../systemd/gvariant-text.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { type HookOutput, hookOutputOf, planHooks } from './hooks.ts'
import { netDeviceSteps } from './net-devices.ts'

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
export function hookExchange(context: PlanContext, outputOfInit: HookOutput): { runtime: Step[]; container: Step[] } {
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

/**
 * The end of both modes: `run` writes state.json while init is still working, `create` only once the container is
 * ready. An init that forks has its final pid only then.
 */
export function recordSteps({ options, namespaces, rdt, cgroup: { late = [] } }: PlanContext): Step[] {
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
