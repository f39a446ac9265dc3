/**
 * The cgroups of a new container: which directories are created, what is written to them, and how the container's first
 * process joins (config-linux.md, Control groups), on v1, hybrid and v2 hosts. Pure; systemd's part is in unit/.
 *
 *   const cgroup = planCgroup({ id, cgroupsPath, resources, rootless }, parseHierarchies(probe), slots)
 *
 * - `cgroup.runtimeSteps` come before `clone`: directories, limits, opened files.
 * - `clone` gets `cgroup: cgroup.cgroupSlot` (CLONE_INTO_CGROUP; absent without a v2 hierarchy) and the slots of
 *   `cgroup.inherit` among its `inherit`.
 * - `cgroup.containerSteps` come first in init, so that everything after them is charged to the container. A new cgroup
 *   namespace is created after them, by `unshare`: its root is the creator's current cgroup, and CLONE_NEWCGROUP of
 *   `clone` would use the runtime's, even with CLONE_INTO_CGROUP.
 * - `cgroup.paths` go to state.json, `cgroup.directories` are removed by `delete` (and after a failed `create`).
 * - `cgroup.deviceFilter`, v2 only: a program to load and attach to the cgroup opened in its slot.
 * Throws one RuntError that lists everything that host or config do not support.
 */

import type { Resources } from '../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../errors.ts'
import { ENOENT } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { Property } from '../systemd/property.ts'
import type { ManagerKind } from '../systemd/unit.ts'
import type { CgroupAccess } from './cgroup-access.ts'
import { innerPath } from './cgroup-path.ts'
import { claimedDirectory } from './claim.ts'
import { deviceRules, isPlain, PLAIN_DEVICES } from './device-rules.ts'
import { type CgroupHost, findHierarchy } from './hierarchies.ts'
import { addLegacy, addUnified, claimFor, FROM, type Part, pathsByController, planParts } from './hierarchy-part.ts'
import { partWrites } from './late-limit.ts'
import { callerOf, mayFail, NO_ACCESS, partsToMake, toleratesRefusal } from './permissions.ts'
import { addWrites, closeJoined, joinStep, type Slots } from './steps.ts'
import { compileDeviceProgram } from './v2/device-program.ts'
import { addThreaded } from './v2/threaded.ts'

export interface CgroupInput {
  readonly id: string
  readonly cgroupsPath?: string | undefined
  readonly resources: Resources
  /**
   * The runtime is not root on the host (its uid is not 0, or it is in a user namespace): device rules cannot be set,
   * and without a `cgroupsPath` a container without limits may stay in the runtime's own cgroup.
   */
  readonly rootless: boolean
  /** Whether to ignore permission errors (--rootless); absent: as `rootless`. */
  readonly tolerant?: boolean
  /**
   * v2: the uid on the host to which the cgroup is delegated (cgroups(7), Delegation), as in runc: if the container has
   * a user and a cgroup namespace and a writable cgroup mount.
   */
  readonly owner?: number | undefined
  /** v2: the threaded ancestor of the new cgroup, if there is one. */
  readonly threaded?: string | undefined
  /** What a caller that is not root may do. */
  readonly access?: CgroupAccess | undefined
  /** The file in which cgroups are claimed, and their mark (claim.ts). */
  readonly claims: string
  readonly stateDirectory: string
}

export interface CgroupPlan {
  readonly mode: CgroupHost['mode']
  /** The container's directory by controller as in /proc/PID/cgroup; '' is v2. */
  readonly paths: { readonly [controller: string]: string }
  /** The same directories, each once. Parents that were created stay, as in runc. */
  readonly directories: readonly string[]
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  readonly cgroupSlot?: number
  readonly inherit: readonly number[]
  /** For the runtime, once init is ready: see late-limit.ts. */
  readonly late?: readonly Step[]
  readonly deviceFilter?: DeviceFilter
  /** With --systemd-cgroup: then `deviceFilter` must be attached after its steps. */
  readonly unit?: UnitPlan
}

/** The scope that systemd creates once there is a process for it. */
export interface UnitPlan {
  readonly name: string
  readonly kind: ManagerKind
  /** All properties except the process. */
  readonly properties: readonly Property[]
  /** Steps in its cgroups afterwards. */
  readonly steps: readonly Step[]
  /** Properties to set once init is ready. */
  readonly late?: readonly Property[]
}

/** A program to load and attach to the cgroup whose directory is open in `slot`. */
export interface DeviceFilter {
  readonly program: Uint8Array
  readonly slot: number
  readonly from: string
}

const DELEGATION = 'linux.namespaces (delegation of the cgroup)'
/** As of Linux 6.18; older kernels have fewer. Limits are not among them: they stay the runtime's. */
const DELEGATED_FILES = [
  'cgroup.procs',
  'cgroup.threads',
  'cgroup.subtree_control',
  'memory.oom.group',
  'memory.reclaim',
]
/** fchownat(2): leave the group. */
const KEEP = -1

/** Computed when runt is built. */
const PLAIN_PROGRAM = compileDeviceProgram(deviceRules(PLAIN_DEVICES))

export function planCgroup(input: CgroupInput, host: CgroupHost, slots: Slots): CgroupPlan {
  const problems: Problem[] = []
  const inner = innerPath(input.id, input.cgroupsPath, problems)
  const caller = callerOf(input)
  const need = caller === 'rootless' && input.cgroupsPath === undefined ? 'optional' : 'required'
  const planned = planParts(input.resources, host, inner, caller, problems, need)
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const parts = partsToMake(planned, input, host)
  const paths = pathsByController(parts)
  const claimed = claimedDirectory(paths)
  // The claimed directory first, before any other is written to.
  const ordered = [...parts.filter(({ path }) => path === claimed), ...parts.filter(({ path }) => path !== claimed)]
  const made: MadeParts = { runtimeSteps: [], containerSteps: [], inherit: [], late: [] }
  for (const part of ordered) addPart(made, part, paths, { input, host, slots })
  const { runtimeSteps, containerSteps, inherit, late, cgroupSlot } = made
  const deviceFilter = cgroupSlot === undefined ? undefined : planDeviceFilter(input, host, cgroupSlot)
  return {
    mode: host.mode,
    paths,
    directories: ordered.map(({ path }) => path),
    runtimeSteps,
    containerSteps: [...containerSteps, ...closeJoined(inherit, FROM)],
    inherit,
    ...(late.length > 0 && { late }),
    ...(cgroupSlot !== undefined && { cgroupSlot }),
    ...(deviceFilter && { deviceFilter }),
  }
}

interface MadeParts {
  readonly runtimeSteps: Step[]
  readonly containerSteps: Step[]
  readonly inherit: number[]
  readonly late: Step[]
  /** Of the directory on v2. */
  cgroupSlot?: number
}

interface Context {
  readonly input: CgroupInput
  readonly host: CgroupHost
  readonly slots: Slots
}

/** Creates one directory, sets its limits and lets init join it. */
function addPart(made: MadeParts, whole: Part, paths: CgroupPlan['paths'], { input, host, slots }: Context): void {
  const tolerate = mayFail(whole, input, host) ? NO_ACCESS : undefined
  const { early, late } = partWrites(whole.writes)
  addWrites(made.late, whole.path, late, slots)
  const part = late.length === 0 ? whole : { ...whole, writes: early }
  // Root claims its cgroups; an unprivileged user's containers share the user's cgroup if they can have no other.
  const isClaimed = tolerate === undefined || (toleratesRefusal(input) && !input.rootless)
  const options = { claim: isClaimed ? claimFor(part.path, paths, input, slots) : undefined, tolerate }
  // Init inherits the claim until it has joined all cgroups.
  if (options.claim !== undefined) made.inherit.push(options.claim.slot)
  const slot = slots.allocate(`cgroup ${part.hierarchy.controllers.join(',') || part.path}`)
  if (part.hierarchy.version === 2) {
    if (input.threaded !== undefined) addThreaded(made.runtimeSteps, part, input.threaded, slot, slots, options)
    else addUnified(made.runtimeSteps, part, slot, callerOf(input), slots, options)
    if (input.owner !== undefined && host.mode === 'v2') made.runtimeSteps.push(...ownerSteps(slot, input.owner))
    made.cgroupSlot = slot
  } else {
    addLegacy(made.runtimeSteps, part, slot, slots, { ...options, cpuset: input.access?.cpuset })
    made.containerSteps.push(joinStep(slot, FROM, tolerate))
    made.inherit.push(slot)
  }
}

/**
 * Changes the owner of the directory, so that cgroups can be created in it, and of the files that
 * /sys/kernel/cgroup/delegate lists.
 */
export function ownerSteps(slot: number, uid: number): Step[] {
  const own = (path: string): Step => ({ op: 'fchownat', from: DELEGATION, at: slot, path, uid, gid: KEEP })
  return [own(''), ...DELEGATED_FILES.map((file) => ({ ...own(file), tolerate: [ENOENT] }))]
}

/** If v1 has no devices controller, a program on the v2 cgroup filters devices, unless everything is allowed. */
export function planDeviceFilter(
  input: Pick<CgroupInput, 'resources' | 'rootless' | 'tolerant'>,
  host: CgroupHost,
  slot: number,
): DeviceFilter | undefined {
  if (callerOf(input) === 'rootless' || findHierarchy(host, 'devices') !== undefined) return undefined
  const { resources } = input
  const program = isPlain(resources.devices) ? PLAIN_PROGRAM : compileDeviceProgram(deviceRules(resources.devices))
  return program && { program, slot, from: 'linux.resources.devices' }
}
