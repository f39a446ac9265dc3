/**
 * How `exec` puts a process into a container's cgroups, or into cgroups that the container made below them (runc-exec(8),
 * --cgroup). The same way as for the first process: CLONE_INTO_CGROUP on v2, init's own '0' into `tasks` on v1.
 */

import { RuntError } from '../errors.ts'
import { EACCES, ENOENT, EPERM, EROFS } from '../plan/constants.ts'
import type { Step } from '../plan/launch-plan.ts'
import { closeJoined, joinStep, openDirectory, openForWriting, type Slots } from './steps.ts'

export interface JoinInput {
  /** The container's directories by controller, '' for v2, as in state.json. */
  readonly paths: { readonly [controller: string]: string }
  /** The values of --cgroup: `PATH`, or on v1 `CONTROLLER[,CONTROLLER]:PATH`; `/` is the container's own cgroup. */
  readonly subgroups: readonly string[]
  /**
   * v2: where the container's first process is now, below the mount point. A container that runs an init of its own has
   * given its cgroup's controllers to children, and no process may be in the parent any more.
   */
  readonly initPath?: string | undefined
  /** The unit that systemd is asked to move the process into, because we may not (v2 only): its name and its directory. */
  readonly attach?: { readonly unit: string; readonly directory: string } | undefined
  /** Not root on the host: the container may have no cgroups that can be joined. */
  readonly rootless: boolean
}

/** To be used as the same fields of CgroupPlan. */
export interface JoinPlan {
  readonly runtimeSteps: readonly Step[]
  readonly containerSteps: readonly Step[]
  readonly cgroupSlot?: number
  readonly inherit: readonly number[]
  /** Instead of all of these: for systemd to do, while init waits. `subgroup` is '' or '/path' below the unit's cgroup. */
  readonly attach?: { readonly unit: string; readonly subgroup: string }
}

const FROM = '--cgroup'

export function planJoin(input: JoinInput, slots: Slots): JoinPlan {
  const wanted = parseSubgroups(input.subgroups)
  const runtimeSteps: Step[] = []
  const containerSteps: Step[] = []
  const inherit: number[] = []
  let cgroupSlot: number | undefined
  const tolerate = input.rootless ? [ENOENT, EACCES, EPERM, EROFS] : undefined
  const directories = joinDirectories(input, wanted)
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
  return { runtimeSteps, containerSteps, inherit, ...(cgroupSlot !== undefined && { cgroupSlot }) }
}

/** Each directory once (joint controllers share theirs), and whether it is of the v2 tree. */
function joinDirectories({ paths, initPath }: JoinInput, wanted: ReadonlyMap<string, string>): Map<string, boolean> {
  for (const controller of wanted.keys()) {
    if (controller !== '' && !Object.hasOwn(paths, controller)) throw fault(`unknown controller ${controller}`)
  }
  const common = wanted.get('')
  const isPureV2 = Object.keys(paths).every((controller) => controller === '')
  const directories = new Map<string, boolean>()
  for (const [controller, base] of Object.entries(paths)) {
    const start = isPureV2 && common === undefined && initPath !== undefined ? initPath : base
    // In hybrid mode --cgroup is about v1: the container's v2 cgroup has no children of these names.
    const below = controller === '' && !isPureV2 ? undefined : (wanted.get(controller) ?? common)
    directories.set(subdirectory(start, below ?? '/'), controller === '')
  }
  return directories
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

/** `path` below `base`; one that would lead out is refused, not clipped. */
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
