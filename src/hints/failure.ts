// What a hint is: a function that looks at facts after a step has failed, and says what they mean. A fact that cannot be read gives no
// hint. Time no longer counts here; nothing of src/hints runs unless a step has failed.

import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'

/** What failed, and where to look. */
export interface Failure {
  readonly native: Native
  readonly plan: LaunchPlan
  readonly step: Step
  /** The errno's name. */
  readonly code: string
  /** The message of the kernel's log, or ''. */
  readonly detail: string
  /** With the process that was to be executed; undefined if the plan is not that of a container. */
  readonly config?: Config | undefined
  readonly root?: Root | undefined
  /** The container's cgroups by controller. */
  readonly cgroups?: { readonly [controller: string]: string } | undefined
}

/** The root file system as the runtime sees it. */
export interface Root {
  readonly path: string
  /** `planned`: without the mounts of the config, whose mount namespace is gone. `there`: a running container's. */
  readonly mounts: 'planned' | 'there'
}

/** A statement or an instruction, in one line; undefined if the facts support none. */
export type Hint = (failure: Failure) => string | undefined

/** Hints by `<what failed> <errno>`. A plain text follows from the operation and the errno alone. */
export type Hints = { readonly [key: string]: Hint | string }
