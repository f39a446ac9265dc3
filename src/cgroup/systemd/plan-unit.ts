/**
 * The cgroups of a new container when systemd makes them (`--systemd-cgroup`; runc's docs/systemd.md). A scope cannot be
 * without a process, so the order is another than without systemd, and everything but the talking is here:
 *
 * 1. `runtimeSteps`: the hierarchies that systemd leaves alone (freezer, cpuset, hugetlb, …), as without systemd.
 * 2. clone, without `cgroup`; init's first step waits.
 * 3. `startUnit(connection, plan.unit.name, [...plan.properties, pidProperty(pid)])`: systemd makes the cgroups, sets
 *    what it knows, and moves init.
 * 4. `unitSteps`: the whole of `linux.resources` in systemd's cgroups, too: values that systemd rounds or has no word for.
 * 5. init goes on, with `containerSteps`.
 * `delete` kills and removes as always, and then stops the unit.
 */

import type { Resources, StringMap } from '../../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../../errors.ts'
import type { Step } from '../../plan/launch-plan.ts'
import type { CgroupHost, Hierarchy } from '../hierarchies.ts'
import { addLegacy, FROM, pathsByController, planParts } from '../hierarchy-part.ts'
import { type DeviceFilter, planDeviceFilter } from '../plan-cgroup.ts'
import { addWrites, joinStep, openDirectory, type Slots } from '../steps.ts'
import { annotationProperties } from './annotations.ts'
import type { ManagerFacts } from './conversation.ts'
import { resourceProperties, unitProperties } from './properties.ts'
import type { Property } from './property.ts'
import { parseUnit, type Unit, unitCgroup } from './unit.ts'

export interface UnitInput {
  readonly id: string
  readonly cgroupsPath?: string | undefined
  readonly resources: Resources
  readonly annotations: StringMap
  readonly rootless: boolean
}

export interface UnitPlan {
  readonly mode: CgroupHost['mode']
  readonly unit: Unit
  /** All but the process. */
  readonly properties: readonly Property[]
  readonly paths: { readonly [controller: string]: string }
  readonly directories: readonly string[]
  readonly runtimeSteps: readonly Step[]
  readonly unitSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  readonly inherit: readonly number[]
  /** For after `unitSteps`, which open its slot. */
  readonly deviceFilter?: DeviceFilter
}

/** What systemd manages on v1 (its CGroupController masks, and its own named hierarchy). The v2 tree is always its own. */
const MANAGED = ['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids', 'name=systemd']

export function planUnit(input: UnitInput, host: CgroupHost, manager: ManagerFacts, slots: Slots): UnitPlan {
  const problems: Problem[] = []
  const unit = parseUnit(input.id, input.cgroupsPath, input.rootless ? 'user' : 'system')
  const target = { cgroups: host.mode === 'v2' ? 'v2' : 'v1', version: manager.version } as const
  const properties = [
    ...unitProperties(unit, target),
    ...annotationProperties(input.annotations, problems),
    ...resourceProperties(input.resources, target, problems),
  ]
  const caller = input.rootless ? 'rootless' : 'root'
  const parts = planParts(input.resources, host, unitCgroup(unit, manager.controlGroup), caller, problems)
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const managed = parts.filter((part) => isManaged(part.hierarchy))
  const own = parts
    .filter((part) => !isManaged(part.hierarchy))
    .map((part) => ({ part, slot: slots.allocate(`cgroup ${part.hierarchy.controllers.join(',')}`) }))
  const unified = managed.find((part) => part.hierarchy.version === 2)
  const deviceSlot = unified === undefined ? undefined : slots.allocate('cgroup')
  const deviceFilter = deviceSlot === undefined ? undefined : planDeviceFilter(input, host, deviceSlot)
  const runtimeSteps: Step[] = []
  for (const { part, slot } of own) addLegacy(runtimeSteps, part, slot, slots)
  const unitSteps: Step[] = []
  for (const { path, writes } of managed) addWrites(unitSteps, path, writes, slots)
  if (deviceFilter && unified) unitSteps.push(openDirectory(unified.path, deviceFilter.slot, FROM))
  return {
    mode: host.mode,
    unit,
    properties,
    paths: pathsByController(parts),
    directories: parts.map((part) => part.path),
    runtimeSteps,
    unitSteps,
    containerSteps: own.map(({ slot }) => joinStep(slot, FROM)),
    inherit: own.map(({ slot }) => slot),
    ...(deviceFilter && { deviceFilter }),
  }
}

function isManaged({ version, controllers }: Hierarchy): boolean {
  return version === 2 || controllers.some((controller) => MANAGED.includes(controller))
}
