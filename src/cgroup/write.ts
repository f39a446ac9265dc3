/**
 * The output of the controllers' planners: writes to files of one cgroup directory, in an order that the kernel
 * accepts, each with the config property that caused it. steps.ts turns them into steps.
 */

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'

export interface Write {
  /** Name of the file in the cgroup's directory. */
  readonly file: string
  readonly data: string
  /** The config property, `linux.resources.memory.limit`. */
  readonly from: string
  /** Errnos after which the plan continues. */
  readonly tolerate?: readonly number[] | undefined
}

/**
 * `create`: the cgroup is new, its files have the kernel's defaults, and it has no processes.
 * `update`: the old values are unknown, so interdependent files may need a second write.
 */
export type Purpose = 'create' | 'update'

/** The writes of one controller. Adds what cannot be expressed to `problems`. */
export type ControllerWrites = (resources: Resources, purpose: Purpose, problems: Problem[]) => Write[]
