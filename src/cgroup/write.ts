/**
 * What the planners of the single controllers produce: writes to files of one cgroup directory, in the order the kernel
 * accepts, each with the config property that asked for it. How they become steps is decided in steps.ts.
 */

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'

export interface Write {
  /** Name of the file in the cgroup's directory. */
  readonly file: string
  readonly data: string
  /** The config property, `linux.resources.memory.limit`. */
  readonly from: string
  /** Errnos after which the plan goes on. */
  readonly tolerate?: readonly number[] | undefined
}

/**
 * `create`: the cgroup is new, all its files have the kernel's defaults, and no process is in it.
 * `update`: unknown values are there, so interdependent files may need a second try.
 */
export type Purpose = 'create' | 'update'

/** The writes of one controller. What cannot be expressed is added to `problems`. */
export type ControllerWrites = (resources: Resources, purpose: Purpose, problems: Problem[]) => Write[]
