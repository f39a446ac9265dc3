/**
 * The cgroups of a new container if systemd creates them (`--systemd-cgroup`; runc's docs/systemd.md). A scope needs a
 * process, so the order differs from that without systemd; order.ts combines these parts:
 *
 * 1. `runtimeSteps`, before the clone: the hierarchies that systemd does not manage (freezer, hugetlb, …), as without
 *    systemd.
 * 2. `unit`, while init waits: systemd creates the scope and moves init into it; `unit.steps` then write all of
 *    `linux.resources` to systemd's cgroups, too, because systemd rounds some values and lacks others.
 * 3. `containerSteps`: init joins the other cgroups.
 * `delete` kills and removes as without systemd, and then stops the unit.
 */

import type { StringMap } from '../../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../../errors.ts'
import type { Step } from '../../steps/launch-plan.ts'
import { annotationProperties } from '../../systemd/annotations.ts'
import type { ManagerFacts } from '../../systemd/conversation.ts'
import { type ManagerKind, parseUnit, unitCgroup } from '../../systemd/unit.ts'
import { subgroupOf } from '../delegated-cgroup.ts'
import type { CgroupHost, Hierarchy } from '../hierarchies.ts'
import { addLegacy, FROM, type Part, pathsByController, planParts } from '../hierarchy-part.ts'
import { partProperties, partWrites } from '../late-limit.ts'
import { callerOf } from '../permissions.ts'
import { type CgroupInput, type CgroupPlan, type DeviceFilter, ownerSteps, planDeviceFilter } from '../plan-cgroup.ts'
import { addWrites, closeJoined, directoryStep, joinStep, openDirectory, type Slots } from '../steps.ts'
import { enableSteps } from '../v2/enable-controllers.ts'
import { createProperties, unitProperties } from './properties.ts'

/** The systemd to ask. */
export interface SystemdFacts extends ManagerFacts {
  readonly kind: ManagerKind
}

/** A unit needs no claim: systemd refuses a second one of the same name. */
export interface UnitInput extends Omit<CgroupInput, 'claims' | 'stateDirectory'> {
  readonly annotations: StringMap
}

/** What systemd manages on v1 (its CGroupController masks, and its own named hierarchy). It always manages v2. */
const MANAGED = ['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids', 'name=systemd']
/** Controllers that it enables for a delegated unit on v2. */
const PASSED_ON = ['cpu', 'cpuset', 'io', 'memory', 'pids']
const SUBGROUP = 'run.oci.systemd.subgroup'

export function planUnit(input: UnitInput, host: CgroupHost, systemd: SystemdFacts, slots: Slots): CgroupPlan {
  if (systemd.kind === 'user' && host.mode !== 'v2') {
    throw new RuntError('host', "systemd: a user's systemd has no control of resources on cgroup v1")
  }
  const problems: Problem[] = []
  const { annotations, resources } = input
  const unit = parseUnit(input.id, input.cgroupsPath, systemd.kind)
  const target = { cgroups: host.mode === 'v2' ? 'v2' : 'v1', version: systemd.version } as const
  const properties = [
    ...unitProperties(unit, target),
    ...annotationProperties(annotations, problems),
    ...createProperties(resources, target, problems),
  ]
  const below = subgroupOf(annotations, SUBGROUP, problems)
  const inner = unitCgroup(unit, systemd.controlGroup) + below
  const parts = planParts(resources, host, inner, callerOf(input), problems)
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  for (const part of parts.filter(({ hierarchy }) => !isManaged(hierarchy))) {
    const slot = slots.allocate(`cgroup ${part.hierarchy.controllers.join(',')}`)
    addLegacy(runtimeSteps, part, slot, slots)
    containerSteps.push(joinStep(slot, FROM))
    inherit.push(slot)
  }
  const managed = parts.filter(({ hierarchy }) => isManaged(hierarchy))
  const late: Step[] = []
  const steps = managed.flatMap((part) => managedSteps(part, below, input, slots, late))
  const times = partProperties(properties)
  const unified = managed.find(({ hierarchy }) => hierarchy.version === 2)
  const slot = slots.allocate('cgroup')
  const deviceFilter = unified && planDeviceFilter(input, host, slot)
  if (unified) steps.push(...openedSteps(unified, slot, host, input, deviceFilter))
  return {
    mode: host.mode,
    paths: pathsByController(parts),
    directories: parts.map((part) => part.path),
    runtimeSteps,
    containerSteps: [...containerSteps, ...closeJoined(inherit, FROM)],
    inherit,
    unit: { name: unit.name, kind: systemd.kind, properties: times.early, steps, late: times.late },
    ...(late.length > 0 && { late }),
    ...(deviceFilter && { deviceFilter }),
  }
}

function isManaged({ version, controllers }: Hierarchy): boolean {
  return version === 2 || controllers.some((controller) => MANAGED.includes(controller))
}

/** Steps in one of the directories that systemd has created. */
function managedSteps(part: Part, below: string, { rootless }: UnitInput, slots: Slots, late: Step[]): Step[] {
  const { hierarchy, path, enable } = part
  const writes = partWrites(part.writes)
  const scope = path.slice(0, path.length - below.length)
  const steps: Step[] = []
  if (below !== '') {
    steps.push(directoryStep(path, SUBGROUP, 1))
    // Before its parent can enable controllers; systemd has already moved init.
    steps.push({ op: 'write_pid', from: SUBGROUP, path: `${path}/cgroup.procs` })
  }
  if (hierarchy.version === 2) {
    const caller = rootless ? 'rootless' : 'root'
    const others = enable.filter((controller) => !PASSED_ON.includes(controller))
    // The ancestors of a user's units do not belong to the user.
    if (!rootless) steps.push(...enableSteps(hierarchy.mountpoint, scope, others, caller, slots))
    if (below !== '') steps.push(...enableSteps(scope, path, enable, caller, slots))
  }
  addWrites(steps, path, writes.early, slots)
  addWrites(late, path, writes.late, slots)
  return steps
}

/** Steps that need the v2 directory open: its owner, and the device program. */
function openedSteps(
  { path }: Part,
  slot: number,
  { mode }: CgroupHost,
  { owner }: UnitInput,
  deviceFilter: DeviceFilter | undefined,
): Step[] {
  const owned = owner === undefined || mode !== 'v2' ? [] : ownerSteps(slot, owner)
  return owned.length === 0 && deviceFilter === undefined ? [] : [openDirectory(path, slot, FROM), ...owned]
}
