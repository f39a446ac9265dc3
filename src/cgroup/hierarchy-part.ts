/**
 * A container's part of one hierarchy: its directory, the writes to it, and the steps that create it. Shared by the
 * plans with and without systemd, which differ in who creates which directory and when.
 */

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { NewCpuset } from './cgroup-access.ts'
import { type CgroupDirectory, cgroupDirectory } from './cgroup-path.ts'
import { type Claim, claimedDirectory, claimOf, ownerAttribute } from './claim.ts'
import { addShare, resourceWrites, type Share, type Shares } from './controllers.ts'
import { type CgroupHost, findHierarchy, type Hierarchy, unifiedHierarchy } from './hierarchies.ts'
import {
  addWrites,
  claimStep,
  directoryStep,
  markStep,
  openDirectory,
  openForWriting,
  type Slots,
  type Tolerated,
  writeStep,
} from './steps.ts'
import { devicesWrites } from './v1/devices.ts'
import { enableSteps } from './v2/enable-controllers.ts'
import type { Write } from './write.ts'

/** Who plans: root on the host may set device rules and has all controllers, others have what was delegated to them. */
export type Caller = 'root' | 'rootless'

/** One hierarchy's share. */
export interface Part {
  readonly hierarchy: Hierarchy
  readonly path: string
  readonly directory: CgroupDirectory
  readonly writes: readonly Write[]
  /** v2 controllers that the ancestors must enable. */
  readonly enable: readonly string[]
}

/** `from` of the steps that create directories. */
export const FROM = 'linux.cgroupsPath'

/** A part for every hierarchy of the host, in its order. Adds what is not supported to `problems`. */
export function planParts(
  resources: Resources,
  host: CgroupHost,
  inner: string,
  caller: Caller,
  problems: Problem[],
  need: 'required' | 'optional' = 'required',
): Part[] {
  const shares = resourceWrites(resources, host, 'create', problems)
  if (caller === 'root') addDevices(shares, resources, host, problems)
  if (host.mode === 'none' && problems.length === 0 && need === 'required') {
    problems.push({ path: FROM, message: 'no cgroup hierarchy is mounted' })
  }
  const parts: Part[] = []
  for (let i = 0; i < host.hierarchies.length; i++) {
    const hierarchy = host.hierarchies[i] as Hierarchy
    parts.push(planPart(hierarchy, host, inner, shares.get(hierarchy)))
  }
  return parts
}

/** The devices controller of v1, if it is mounted. Without it and without v2 a container could open every device. */
function addDevices(shares: Shares, resources: Resources, host: CgroupHost, problems: Problem[]): void {
  const hierarchy = findHierarchy(host, 'devices')
  if (hierarchy !== undefined) {
    addShare(shares, hierarchy, 'devices', devicesWrites(resources, problems))
  } else if (unifiedHierarchy(host) === undefined && host.mode !== 'none') {
    const message = 'the devices controller is not mounted, and without it the container could open every device'
    problems.push({ path: 'linux.resources.devices', message })
  }
}

const NOTHING: Share = { controllers: [], writes: [] }

function planPart(hierarchy: Hierarchy, host: CgroupHost, inner: string, share: Share | undefined): Part {
  const directory = cgroupDirectory(host, hierarchy, inner)
  const { writes, controllers } = share ?? NOTHING
  // On a hybrid host other users may use the remaining controllers of v2: enable only those that are needed.
  const enable = host.mode === 'v2' ? hierarchy.controllers : controllers
  return { hierarchy, directory, path: `${directory.base}/${directory.inner}`, writes, enable }
}

export interface PlannedClaim extends Claim {
  readonly slot: number
  /** The lock file. */
  readonly file: string
  /** Name and value of the attribute that names the state directory. */
  readonly mark: readonly [name: string, stateDirectory: string]
}

/** For the cgroup that is claimed on behalf of all of a container's. */
export function claimFor(
  path: string,
  paths: { readonly [controller: string]: string },
  {
    claims,
    stateDirectory,
    rootless,
  }: { readonly claims: string; readonly stateDirectory: string; readonly rootless: boolean },
  slots: Slots,
): PlannedClaim | undefined {
  const claim = claimedDirectory(paths) === path ? claimOf(paths) : undefined
  if (claim === undefined) return undefined
  const mark = [ownerAttribute(rootless ? 'rootless' : 'root'), stateDirectory] as const
  return { ...claim, slot: slots.allocate('claimed cgroup'), file: claims, mark }
}

/** How a part is created. */
export interface CgroupOptions {
  /** Before anything is written to the cgroup: see claimStep. */
  readonly claim?: PlannedClaim | undefined
  readonly tolerate?: Tolerated
  readonly cpuset?: NewCpuset | undefined
}

/** Creates the directory, enables controllers, sets limits, and opens the directory into `slot`. */
export function addUnified(
  steps: Step[],
  { hierarchy, path, writes, enable }: Part,
  slot: number,
  caller: Caller,
  slots: Slots,
  { claim, tolerate }: CgroupOptions,
): void {
  steps.push(directoryStep(path, FROM, 1, tolerate))
  addClaim(steps, claim, tolerate)
  steps.push(...enableSteps(hierarchy.mountpoint, path, enable, caller, slots))
  addWrites(steps, path, writes, slots)
  steps.push(openDirectory(path, slot, FROM, tolerate))
}

export function addClaim(steps: Step[], claim: PlannedClaim | undefined, tolerate: Tolerated): void {
  if (claim !== undefined)
    steps.push(claimStep(claim, claim.file, claim.slot, FROM), markStep(claim, ...claim.mark, FROM, tolerate))
}

/** Creates the directory, sets limits, and opens its `tasks` file into `slot`. */
export function addLegacy(
  steps: Step[],
  part: Part,
  slot: number,
  slots: Slots,
  { claim, tolerate, cpuset = 'tell' }: CgroupOptions = {},
): void {
  const { hierarchy, path, writes } = part
  if (hierarchy.controllers.includes('cpuset')) addCpusetDirectories(steps, part.directory, cpuset, tolerate)
  else steps.push(directoryStep(path, FROM, 1, tolerate))
  addClaim(steps, claim, tolerate)
  if (writes.length > 0) addWrites(steps, path, writes, slots)
  // `tasks`, not cgroup.procs: for a thread that moves itself the kernel takes no global lock and waits for no grace
  // period.
  steps.push(openForWriting(`${path}/tasks`, slot, FROM, tolerate))
}

/**
 * A new cpuset is empty, and no process can join an empty one. With cgroup.clone_children its parent hands down its own
 * values (cpuset(7)), at the price of one write for each level and no read. An unprivileged user may not be allowed to
 * write that file.
 */
function addCpusetDirectories(
  steps: Step[],
  { base, inner }: CgroupDirectory,
  cpuset: NewCpuset,
  tolerate: Tolerated,
): void {
  let path = base
  const write = (file: string, data: string) => steps.push(writeStep(path, { file, data, from: FROM, tolerate }))
  for (const name of inner.split('/')) {
    if (cpuset === 'tell') write('cgroup.clone_children', '1')
    path = `${path}/${name}`
    steps.push(directoryStep(path, FROM, 0, tolerate))
    if (typeof cpuset === 'object' && path.length > cpuset.existing.length) {
      write('cpuset.cpus', cpuset.cpus)
      write('cpuset.mems', cpuset.mems)
    }
  }
}

/** Directories by controller as in /proc/PID/cgroup, '' for v2. */
export function pathsByController(parts: readonly Pick<Part, 'hierarchy' | 'path'>[]): {
  [controller: string]: string
} {
  const paths: { [controller: string]: string } = {}
  for (let i = 0; i < parts.length; i++) {
    const { hierarchy, path } = parts[i] as Pick<Part, 'hierarchy' | 'path'>
    const { controllers } = hierarchy
    if (hierarchy.version === 2) paths[''] = path
    else for (let j = 0; j < controllers.length; j++) paths[controllers[j] as string] = path
  }
  return paths
}
