/**
 * What one hierarchy gets of a container: its directory, the writes into it, and the steps that make it. Shared by the
 * plans with and without systemd, which differ in who makes which directory and when.
 */

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'
import type { Step } from '../plan/launch-plan.ts'
import { type CgroupDirectory, cgroupDirectory } from './cgroup-path.ts'
import { type HierarchyWrites, resourceWrites } from './controllers.ts'
import { type CgroupHost, findHierarchy, type Hierarchy, unifiedHierarchy } from './hierarchies.ts'
import { directoryStep, openDirectory, openForWriting, type Slots, writeSteps } from './steps.ts'
import { devicesWrites } from './v1/devices.ts'
import { enableSteps } from './v2/enable-controllers.ts'
import type { Write } from './write.ts'

/** Who plans: root on the host may set device rules and has all controllers, others have what they were given. */
export type Caller = 'root' | 'rootless'

/** One hierarchy's share. */
export interface Part {
  readonly hierarchy: Hierarchy
  readonly path: string
  readonly directory: CgroupDirectory
  readonly writes: readonly Write[]
  /** v2 controllers that the parents must pass on. */
  readonly enable: readonly string[]
}

/** What the steps that make directories come from. */
export const FROM = 'linux.cgroupsPath'

/** A part for every hierarchy of the host, in its order. What cannot be had is added to `problems`. */
export function planParts(
  resources: Resources,
  host: CgroupHost,
  inner: string,
  caller: Caller,
  problems: Problem[],
): Part[] {
  const writes = resourceWrites(resources, host, 'create', problems)
  const devices = caller === 'root' ? deviceWrites(resources, host, problems) : []
  if (host.mode === 'none' && problems.length === 0)
    problems.push({ path: FROM, message: 'no cgroup hierarchy is mounted' })
  return host.hierarchies.map((hierarchy) => planPart(hierarchy, host, inner, [...writes, ...devices]))
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

/** Directory, controllers, limits, and the directory opened into `slot`. */
export function unifiedSteps(
  part: Part,
  slot: number,
  caller: Caller,
  slots: Slots,
  tolerate: readonly number[] | undefined,
): Step[] {
  return [
    directoryStep(part.path, FROM, { parents: 1, ...(tolerate && { tolerate }) }),
    ...enableSteps(part.hierarchy.mountpoint, part.path, part.enable, caller, slots),
    ...writeSteps(part.path, part.writes, slots),
    openDirectory(part.path, slot, FROM, tolerate),
  ]
}

/** Directory, limits, and its `tasks` file opened into `slot`. */
export function legacySteps(part: Part, slot: number, slots: Slots, tolerate: readonly number[] | undefined): Step[] {
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

/** Directories by controller as in /proc/PID/cgroup, '' for v2. */
export function pathsByController(parts: readonly Part[]): { [controller: string]: string } {
  const paths: { [controller: string]: string } = {}
  for (const { hierarchy, path } of parts) {
    if (hierarchy.version === 2) paths[''] = path
    else for (const controller of hierarchy.controllers) paths[controller] = path
  }
  return paths
}
