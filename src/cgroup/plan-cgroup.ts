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
import type { Step } from '../plan/launch-plan.ts'
import { type CgroupDirectory, cgroupDirectory, innerPath } from './cgroup-path.ts'
import { type HierarchyWrites, resourceWrites } from './controllers.ts'
import { deviceRules } from './device-rules.ts'
import { type CgroupHost, findHierarchy, type Hierarchy, unifiedHierarchy } from './hierarchies.ts'
import { directoryStep, openDirectory, openForWriting, type Slots, writeSteps } from './steps.ts'
import { devicesWrites } from './v1/devices.ts'
import { compileDeviceProgram } from './v2/device-program.ts'
import { enableSteps } from './v2/enable-controllers.ts'
import { EACCES, ENOENT, EPERM, EROFS, type Write } from './write.ts'

export interface CgroupInput {
  readonly id: string
  readonly cgroupsPath?: string | undefined
  readonly resources: Resources
  /**
   * The runtime is not root on the host (its uid is not 0, or it is in a user namespace): device rules cannot be set, and
   * without a `cgroupsPath` a container that asks for no limits may stay in the runtime's own cgroup.
   */
  readonly rootless: boolean
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
  readonly deviceFilter?: { readonly program: Uint8Array; readonly slot: number; readonly from: string }
}

/** What is planned for one hierarchy. */
interface Part {
  readonly hierarchy: Hierarchy
  readonly path: string
  readonly directory: CgroupDirectory
  readonly writes: readonly Write[]
  /** v2 controllers that the parents must pass on. */
  readonly enable: readonly string[]
}

const FROM = 'linux.cgroupsPath'
/** Nothing there, no permission, or mounted read-only. */
const NO_ACCESS = [ENOENT, EACCES, EPERM, EROFS]

export function planCgroup(input: CgroupInput, host: CgroupHost, slots: Slots): CgroupPlan {
  const problems: Problem[] = []
  const inner = innerPath(input.id, input.cgroupsPath, problems)
  const writes = resourceWrites(input.resources, host, 'create', problems)
  const devices = input.rootless ? undefined : deviceWrites(input.resources, host, problems)
  if (host.mode === 'none' && problems.length === 0)
    problems.push({ path: FROM, message: 'no cgroup hierarchy is mounted' })
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const parts = host.hierarchies.map((hierarchy) => planPart(hierarchy, host, inner, [...writes, ...(devices ?? [])]))
  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  let cgroupSlot: number | undefined
  for (const part of parts) {
    const tolerate = mayFail(part, input, host) ? NO_ACCESS : undefined
    const slot = slots.allocate(`cgroup ${part.hierarchy.controllers.join(',') || part.path}`)
    if (part.hierarchy.version === 2) {
      runtimeSteps.push(...unifiedSteps(part, slot, input, slots, tolerate))
      cgroupSlot = slot
    } else {
      runtimeSteps.push(...legacySteps(part, slot, slots, tolerate))
      containerSteps.push({ op: 'write', from: FROM, fd: slot, data: '0', ...(tolerate && { tolerate }) })
      inherit.push(slot)
    }
  }
  const program = cgroupSlot !== undefined && !input.rootless && !findHierarchy(host, 'devices')
  const filter = program ? compileDeviceProgram(deviceRules(input.resources)) : undefined
  return {
    mode: host.mode,
    paths: pathsByController(parts),
    directories: parts.map((part) => part.path),
    runtimeSteps,
    containerSteps,
    inherit,
    ...(cgroupSlot !== undefined && { cgroupSlot }),
    ...(cgroupSlot !== undefined &&
      filter !== undefined && { deviceFilter: { program: filter, slot: cgroupSlot, from: 'linux.resources.devices' } }),
  }
}

/** The devices controller of v1, where it is mounted. Without it and without v2 a container could open every device. */
function deviceWrites(resources: Resources, host: CgroupHost, problems: Problem[]): HierarchyWrites[] {
  const hierarchy = findHierarchy(host, 'devices')
  if (hierarchy !== undefined) {
    return [{ hierarchy, controllers: ['devices'], writes: devicesWrites(resources, problems) }]
  }
  if (unifiedHierarchy(host) === undefined && host.mode !== 'none') {
    const message = 'the devices controller is not mounted, and without it the container could open every device'
    problems.push({ path: 'linux.resources.devices', message })
  }
  return []
}

function planPart(hierarchy: Hierarchy, host: CgroupHost, inner: string, all: readonly HierarchyWrites[]): Part {
  const directory = cgroupDirectory(host, hierarchy, inner)
  const mine = all.filter((entry) => entry.hierarchy === hierarchy)
  const needed = mine.flatMap((entry) => entry.controllers).filter((controller) => controller !== 'cgroup')
  return {
    hierarchy,
    directory,
    path: `${directory.base}/${directory.inner}`,
    writes: mine.flatMap((entry) => entry.writes),
    // In hybrid mode what the v2 tree has left over is the host's: only what is asked for is passed on.
    enable: host.mode === 'v2' ? hierarchy.controllers : needed,
  }
}

/** Hierarchies that only group processes are joined where possible; so are all, for an unprivileged user without a path. */
function mayFail(part: Part, input: CgroupInput, host: CgroupHost): boolean {
  if (part.writes.length > 0) return false
  const onlyGroups =
    part.hierarchy.version === 2
      ? host.mode === 'hybrid'
      : part.hierarchy.controllers.every((name) => name.includes('='))
  return onlyGroups || (input.rootless && input.cgroupsPath === undefined)
}

function unifiedSteps(
  part: Part,
  slot: number,
  input: CgroupInput,
  slots: Slots,
  tolerate: readonly number[] | undefined,
): Step[] {
  return [
    directoryStep(part.path, FROM, { parents: 1, ...(tolerate && { tolerate }) }),
    ...enableSteps(part.hierarchy.mountpoint, part.path, part.enable, input.rootless ? 'rootless' : 'root', slots),
    ...writeSteps(part.path, part.writes, slots),
    openDirectory(part.path, slot, FROM, tolerate),
  ]
}

function legacySteps(part: Part, slot: number, slots: Slots, tolerate: readonly number[] | undefined): Step[] {
  const directories = part.hierarchy.controllers.includes('cpuset')
    ? cpusetDirectories(part, tolerate)
    : [directoryStep(part.path, FROM, { parents: 1, ...(tolerate && { tolerate }) })]
  // `tasks`, not cgroup.procs: a thread that moves itself takes no global lock and waits for no grace period.
  return [
    ...directories,
    ...writeSteps(part.path, part.writes, slots),
    openForWriting(`${part.path}/tasks`, slot, FROM, tolerate),
  ]
}

/**
 * A new cpuset is empty, and no process may enter an empty one. With cgroup.clone_children its parent hands its own values
 * down (cpuset(7)), at the price of one write for each level and no read.
 */
function cpusetDirectories(part: Part, tolerate: readonly number[] | undefined): Step[] {
  const steps: Step[] = []
  let parent = part.directory.base
  for (const name of part.directory.inner.split('/')) {
    const clone: Write = { file: 'cgroup.clone_children', data: '1', from: FROM, ...(tolerate && { tolerate }) }
    steps.push({
      op: 'write_file',
      from: FROM,
      path: `${parent}/${clone.file}`,
      data: '1',
      ...(tolerate && { tolerate }),
    })
    parent = `${parent}/${name}`
    steps.push(directoryStep(parent, FROM, tolerate ? { tolerate } : {}))
  }
  return steps
}

function pathsByController(parts: readonly Part[]): { [controller: string]: string } {
  const paths: { [controller: string]: string } = {}
  for (const { hierarchy, path } of parts) {
    if (hierarchy.version === 2) paths[''] = path
    else for (const controller of hierarchy.controllers) paths[controller] = path
  }
  return paths
}
