/**
 * The cgroups of a new container: which directories are made, what is written into them, and how the container's first
 * process gets in (config-linux.md, Control groups), on v1, hybrid and v2 hosts. Pure; systemd's part is in systemd/.
 *
 *   const cgroup = planCgroup({ id, cgroupsPath, resources, rootless }, parseHierarchies(probe), slots)
 *
 * - `cgroup.runtimeSteps` come before `clone`: directories, limits, opened files.
 * - `clone` gets `cgroup: cgroup.cgroupSlot` (CLONE_INTO_CGROUP; absent where there is no v2 tree) and the slots of
 *   `cgroup.inherit` among its `inherit`.
 * - `cgroup.containerSteps` come first in init, on which everything else that init does is accounted; a new cgroup
 *   namespace only after them, by `unshare`: its root is where the process is at that moment, and a CLONE_NEWCGROUP of
 *   `clone` would take the runtime's place, CLONE_INTO_CGROUP or not.
 * - `cgroup.paths` go to state.json, `cgroup.directories` are what `delete` (and a failed `create`) removes.
 * - `cgroup.deviceFilter`, v2 only: a program to load and attach to the cgroup opened in its slot.
 * What the host or the config cannot have is thrown as one RuntError that lists every problem.
 */

import type { Resources } from '../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../errors.ts'
import { EACCES, ENOENT, EPERM, EROFS } from '../plan/constants.ts'
import type { Step } from '../plan/launch-plan.ts'
import { innerPath } from './cgroup-path.ts'
import { claimedDirectory } from './claim.ts'
import { deviceRules, isPlain, PLAIN_DEVICES } from './device-rules.ts'
import { type CgroupHost, findHierarchy } from './hierarchies.ts'
import { addLegacy, addUnified, claimFor, FROM, type Part, pathsByController, planParts } from './hierarchy-part.ts'
import { closeJoined, joinStep, type Slots } from './steps.ts'
import type { Property } from './systemd/property.ts'
import type { ManagerKind } from './systemd/unit.ts'
import { compileDeviceProgram } from './v2/device-program.ts'
import { addThreaded } from './v2/threaded.ts'

export interface CgroupInput {
  readonly id: string
  readonly cgroupsPath?: string | undefined
  readonly resources: Resources
  /**
   * The runtime is not root on the host (its uid is not 0, or it is in a user namespace): device rules cannot be set, and
   * without a `cgroupsPath` a container that asks for no limits may stay in the runtime's own cgroup.
   */
  readonly rootless: boolean
  /**
   * v2: the user, as the host sees it, to whom the cgroup is delegated (cgroups(7), Delegation). runc does so when the
   * container has a user and a cgroup namespace and may write to its cgroup mount.
   */
  readonly owner?: number | undefined
  /** v2: the cgroup above the new one in which all are threaded; absent where they are not. */
  readonly threaded?: string | undefined
  /** The file in which cgroups are claimed, and what they are marked with (claim.ts). */
  readonly claims: string
  readonly stateDirectory: string
}

export interface CgroupPlan {
  readonly mode: CgroupHost['mode']
  /** The container's directory by controller as in /proc/PID/cgroup; '' is the v2 tree. */
  readonly paths: { readonly [controller: string]: string }
  /** The same directories, each once. Parents that had to be made stay, as with runc. */
  readonly directories: readonly string[]
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  readonly cgroupSlot?: number
  readonly inherit: readonly number[]
  readonly deviceFilter?: DeviceFilter
  /** With --systemd-cgroup: `deviceFilter` can then be attached only after its steps. */
  readonly unit?: UnitPlan
}

/** The scope that systemd is asked for once there is a process to put into it. */
export interface UnitPlan {
  readonly name: string
  readonly kind: ManagerKind
  /** All but the process. */
  readonly properties: readonly Property[]
  /** What is done in its cgroups afterwards. */
  readonly steps: readonly Step[]
}

/** A program to load and attach to the cgroup whose directory is open in `slot`. */
export interface DeviceFilter {
  readonly program: Uint8Array
  readonly slot: number
  readonly from: string
}

const DELEGATION = 'linux.namespaces (delegation of the cgroup)'
/** As of Linux 6.18; older kernels have fewer. Limits are not among them: they stay ours. */
const DELEGATED_FILES = [
  'cgroup.procs',
  'cgroup.threads',
  'cgroup.subtree_control',
  'memory.oom.group',
  'memory.reclaim',
]
/** fchownat(2): leave the group. */
const KEEP = -1
/** Nothing there, no permission, or mounted read-only. */
const NO_ACCESS = [ENOENT, EACCES, EPERM, EROFS]

/** Computed when runt is built. */
const PLAIN_PROGRAM = compileDeviceProgram(deviceRules(PLAIN_DEVICES))

export function planCgroup(input: CgroupInput, host: CgroupHost, slots: Slots): CgroupPlan {
  const problems: Problem[] = []
  const inner = innerPath(input.id, input.cgroupsPath, problems)
  const caller = input.rootless ? 'rootless' : 'root'
  const parts = planParts(input.resources, host, inner, caller, problems)
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  let cgroupSlot: number | undefined
  const directories: string[] = []
  const paths = pathsByController(parts)
  const claimed = claimedDirectory(paths)
  // Before another is written to.
  const ordered = [...parts.filter(({ path }) => path === claimed), ...parts.filter(({ path }) => path !== claimed)]
  for (let i = 0; i < ordered.length; i++) {
    const part = ordered[i] as Part
    directories.push(part.path)
    const tolerate = mayFail(part, input, host) ? NO_ACCESS : undefined
    const manner = { claim: tolerate === undefined ? claimFor(part.path, paths, input, slots) : undefined, tolerate }
    // Init has it until it is in all of them.
    if (manner.claim !== undefined) inherit.push(manner.claim.slot)
    const slot = slots.allocate(`cgroup ${part.hierarchy.controllers.join(',') || part.path}`)
    if (part.hierarchy.version === 2) {
      if (input.threaded !== undefined) addThreaded(runtimeSteps, part, input.threaded, slot, slots, manner)
      else addUnified(runtimeSteps, part, slot, caller, slots, manner)
      if (input.owner !== undefined && host.mode === 'v2') runtimeSteps.push(...ownerSteps(slot, input.owner))
      cgroupSlot = slot
    } else {
      addLegacy(runtimeSteps, part, slot, slots, manner)
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
    ...(cgroupSlot !== undefined && { cgroupSlot }),
    ...(deviceFilter && { deviceFilter }),
  }
}

/** The directory itself, so that cgroups can be made in it, and the files that /sys/kernel/cgroup/delegate lists. */
export function ownerSteps(slot: number, uid: number): Step[] {
  const own = (path: string): Step => ({ op: 'fchownat', from: DELEGATION, at: slot, path, uid, gid: KEEP })
  return [own(''), ...DELEGATED_FILES.map((file) => ({ ...own(file), tolerate: [ENOENT] }))]
}

/** Where no v1 controller guards the devices, a program on the v2 cgroup does, unless everything is allowed. */
export function planDeviceFilter(
  { resources, rootless }: Pick<CgroupInput, 'resources' | 'rootless'>,
  host: CgroupHost,
  slot: number,
): DeviceFilter | undefined {
  if (rootless || findHierarchy(host, 'devices') !== undefined) return undefined
  const program = isPlain(resources.devices) ? PLAIN_PROGRAM : compileDeviceProgram(deviceRules(resources.devices))
  return program && { program, slot, from: 'linux.resources.devices' }
}

/** Hierarchies that only group processes are joined where possible; so are all, for an unprivileged user without a path. */
function mayFail(part: Part, input: CgroupInput, host: CgroupHost): boolean {
  if (part.writes.length > 0) return false
  const onlyGroups =
    part.hierarchy.version === 2
      ? host.mode === 'hybrid'
      : part.hierarchy.controllers.length === 1 && part.hierarchy.controllers[0]?.includes('=') === true
  return onlyGroups || (input.rootless && input.cgroupsPath === undefined)
}
