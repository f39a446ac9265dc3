/**
 * How `exec` puts a process into a container's cgroups, or into cgroups that the container created below them
 * (runc-exec(8), --cgroup). As for the first process: CLONE_INTO_CGROUP on v2, init writes '0' to `tasks` on v1.
 */

import { RuntError } from '../errors.ts'
import { EACCES, ENOENT, EPERM, EROFS } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { Hierarchy } from './hierarchies.ts'
import { closeJoined, joinStep, openDirectory, openForWriting, type Slots } from './steps.ts'

export interface JoinInput {
  /** The container's directories by controller, '' for v2, as in state.json. */
  readonly paths: { readonly [controller: string]: string }
  /** The values of --cgroup: `PATH`, or on v1 `CONTROLLER[,CONTROLLER]:PATH`; `/` is the container's own cgroup. */
  readonly subgroups: readonly string[]
  /**
   * v2: the current cgroup of the container's first process, relative to the mount point. A container with an init of
   * its own may have enabled controllers for children, and then no process may be in the parent.
   */
  readonly initPath?: string | undefined
  /** v2: the unit into which systemd must move the process, because we may not: its name and directory. */
  readonly attach?: { readonly unit: string; readonly directory: string } | undefined
  /** Not root on the host: the container may have no cgroups to join. */
  readonly rootless: boolean
  /** Of the host, with the runtime's own cgroups. */
  readonly hierarchies: readonly Hierarchy[]
}

/** For the same fields of CgroupPlan. */
export interface JoinPlan {
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  readonly cgroupSlot?: number
  readonly inherit: readonly number[]
  /**
   * Instead of the others: systemd moves the process while init waits. `subgroup` is '' or '/path' below the unit's
   * cgroup.
   */
  readonly attach?: { readonly unit: string; readonly subgroup: string }
  /** Where processes are limited, and where the runtime is in that hierarchy: fields of `clone`. */
  readonly crowded?: { readonly leave: string; readonly enter: string }
}

const FROM = '--cgroup'

export function planJoin(input: JoinInput, slots: Slots): JoinPlan {
  const wanted = parseSubgroups(input.subgroups)
  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  let cgroupSlot: number | undefined
  const tolerate = input.rootless ? [ENOENT, EACCES, EPERM, EROFS] : undefined
  const { directories, pids } = joinDirectories(input, wanted)
  if (input.attach !== undefined) {
    const { unit, directory } = input.attach
    const [destination = directory] = directories.keys()
    return { runtimeSteps, containerSteps, inherit, attach: { unit, subgroup: destination.slice(directory.length) } }
  }
  for (const [directory, isUnified] of directories) {
    const slot = slots.allocate(`cgroup ${directory}`)
    if (isUnified) {
      runtimeSteps.push(openDirectory(directory, slot, FROM, tolerate))
      cgroupSlot = slot
    } else {
      runtimeSteps.push(openForWriting(`${directory}/tasks`, slot, FROM, tolerate))
      containerSteps.push(joinStep(slot, FROM, tolerate))
      inherit.push(slot)
    }
  }
  containerSteps.push(...closeJoined(inherit, FROM))
  const crowded = pids === undefined ? undefined : roomFor(pids, input)
  return {
    runtimeSteps,
    containerSteps,
    inherit,
    ...(cgroupSlot !== undefined && { cgroupSlot }),
    ...(crowded !== undefined && { crowded }),
  }
}

/** The limit only applies to fork(2): moving to a cgroup is not limited (cgroup-v2.rst, "PID"). */
function roomFor(pids: string, { paths, hierarchies }: JoinInput): JoinPlan['crowded'] {
  const isV1 = paths.pids !== undefined
  const ours = hierarchies.find(({ version, controllers }) => (isV1 ? controllers.includes('pids') : version === 2))
  const own = ours?.own === '/' ? '' : ours?.own
  return ours && { leave: `${ours.mountpoint}${own}/cgroup.procs`, enter: `${pids}/cgroup.procs` }
}

interface JoinDirectories {
  /** Each directory once (co-mounted controllers share one), and whether it is on v2. */
  readonly directories: ReadonlyMap<string, boolean>
  /** The one that limits the number of processes. */
  readonly pids: string | undefined
}

function joinDirectories({ paths, initPath }: JoinInput, wanted: ReadonlyMap<string, string>): JoinDirectories {
  for (const controller of wanted.keys()) {
    if (controller !== '' && !Object.hasOwn(paths, controller)) throw fault(`unknown controller ${controller}`)
  }
  if (wanted.size > 0 && Object.keys(paths).length === 0) throw fault('the container has no cgroups')
  const common = wanted.get('')
  const isPureV2 = Object.keys(paths).every((controller) => controller === '')
  const directories = new Map<string, boolean>()
  let pids: string | undefined
  for (const [controller, base] of Object.entries(paths)) {
    const start = isPureV2 && common === undefined && initPath !== undefined ? initPath : base
    // On a hybrid host --cgroup is about v1: the container's v2 cgroup has no children of these names.
    const below = controller === '' && !isPureV2 ? undefined : (wanted.get(controller) ?? common)
    const directory = subdirectory(start, below ?? '/')
    directories.set(directory, controller === '')
    if (controller === 'pids' || (controller === '' && paths.pids === undefined)) pids = directory
  }
  return { directories, pids }
}

function parseSubgroups(values: readonly string[]): Map<string, string> {
  const wanted = new Map<string, string>()
  for (const value of values) {
    const colon = value.indexOf(':')
    if (colon < 0 && values.length > 1)
      throw fault(`invalid --cgroup argument: ${value} (missing <controller>: prefix)`)
    for (const controller of colon < 0 ? [''] : value.slice(0, colon).split(',')) {
      if (controller === '' && colon >= 0)
        throw fault(`invalid --cgroup argument: ${value} (empty <controller> prefix)`)
      if (wanted.has(controller)) {
        throw fault(`invalid --cgroup argument(s): controller ${controller} specified multiple times`)
      }
      wanted.set(controller, value.slice(colon + 1))
    }
  }
  return wanted
}

/** `path` below `base`; a path that leaves it is refused, not clipped. */
function subdirectory(base: string, path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) throw fault(`bad sub cgroup path: ${path}`)
    if (part !== '' && part !== '.' && part !== '..') parts.push(part)
  }
  return [base, ...parts].join('/')
}

function fault(message: string): RuntError {
  return new RuntError('usage', message, { path: FROM })
}
