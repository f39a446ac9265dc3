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
import { EACCES, ENOENT, EPERM, EROFS } from '../steps/constants.ts'
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
import { callerOf, toleratesRefusal } from './permissions.ts'
import { addWrites, closeJoined, joinStep, type Slots } from './steps.ts'
import { compileDeviceProgram } from './v2/device-program.ts'
import { addThreaded } from './v2/threaded.ts'
import type { Write } from './write.ts'

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
/** The file does not exist, or is not writable. */
const NO_ACCESS = [ENOENT, EACCES, EPERM, EROFS]

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
  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  const late: Step[] = []
  let cgroupSlot: number | undefined
  const directories: string[] = []
  const paths = pathsByController(parts)
  const claimed = claimedDirectory(paths)
  // The claimed directory first, before any other is written to.
  const ordered = [...parts.filter(({ path }) => path === claimed), ...parts.filter(({ path }) => path !== claimed)]
  for (let i = 0; i < ordered.length; i++) {
    const whole = ordered[i] as Part
    directories.push(whole.path)
    const tolerate = mayFail(whole, input, host) ? NO_ACCESS : undefined
    const { early, late: later } = partWrites(whole.writes)
    addWrites(late, whole.path, later, slots)
    const part = later.length === 0 ? whole : { ...whole, writes: early }
    // Root claims its cgroups; an unprivileged user's containers share the user's cgroup if they can have no other.
    const isClaimed = tolerate === undefined || (toleratesRefusal(input) && !input.rootless)
    const manner = { claim: isClaimed ? claimFor(part.path, paths, input, slots) : undefined, tolerate }
    // Init inherits the claim until it has joined all cgroups.
    if (manner.claim !== undefined) inherit.push(manner.claim.slot)
    const slot = slots.allocate(`cgroup ${part.hierarchy.controllers.join(',') || part.path}`)
    if (part.hierarchy.version === 2) {
      if (input.threaded !== undefined) addThreaded(runtimeSteps, part, input.threaded, slot, slots, manner)
      else addUnified(runtimeSteps, part, slot, caller, slots, manner)
      if (input.owner !== undefined && host.mode === 'v2') runtimeSteps.push(...ownerSteps(slot, input.owner))
      cgroupSlot = slot
    } else {
      addLegacy(runtimeSteps, part, slot, slots, { ...manner, cpuset: input.access?.cpuset })
      containerSteps.push(joinStep(slot, FROM, tolerate))
      inherit.push(slot)
    }
  }
  const deviceFilter = cgroupSlot === undefined ? undefined : planDeviceFilter(input, host, cgroupSlot)
  return {
    mode: host.mode,
    paths,
    directories,
    runtimeSteps,
    containerSteps: [...containerSteps, ...closeJoined(inherit, FROM)],
    inherit,
    ...(late.length > 0 && { late }),
    ...(cgroupSlot !== undefined && { cgroupSlot }),
    ...(deviceFilter && { deviceFilter }),
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

/** As in runc: without permissions for cgroups, device rules are optional, too. */
function withPermissions(part: Part, input: CgroupInput): Part {
  if (input.rootless || !toleratesRefusal(input) || !part.hierarchy.controllers.includes('devices')) return part
  const isRule = ({ from }: Write): boolean => from.startsWith('linux.resources.devices')
  return { ...part, writes: part.writes.map((write) => (isRule(write) ? { ...write, tolerate: NO_ACCESS } : write)) }
}

/** Leaves out parts that the caller may not create, if that is tolerated. */
function partsToMake(planned: readonly Part[], input: CgroupInput, host: CgroupHost): readonly Part[] {
  if (!toleratesRefusal(input)) return planned
  const refused = input.access?.refused ?? []
  return planned
    .map((part) => withPermissions(part, input))
    .filter((part) => !refused.includes(part.path) || !mayFail(part, input, host))
}

/** Whether joining may fail: hierarchies that only group processes, and all for an unprivileged user without a path. */
function mayFail(part: Part, input: CgroupInput, host: CgroupHost): boolean {
  if (part.writes.some(({ tolerate }) => tolerate !== NO_ACCESS)) return false
  const onlyGroups =
    part.hierarchy.version === 2
      ? host.mode === 'hybrid'
      : part.hierarchy.controllers.length === 1 && part.hierarchy.controllers[0]?.includes('=') === true
  return onlyGroups || (toleratesRefusal(input) && input.cgroupsPath === undefined)
}
