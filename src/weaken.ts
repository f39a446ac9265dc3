// Walls that a test build can turn off (make WEAKEN=1), so that a test can show that the wall is what stops an attack. In such a
// build the environment variable RUNT_WEAKEN lists the walls that are off. In every other build isWeakened() is false and the
// bundler removes what depends on it. The walls in C: addon/weaken.h. docs/threat-model.md says what each wall is for.

import type { Native } from './native.ts'

/** Set by scripts/bundle.mjs. */
declare const RUNT_WEAKEN: boolean

/** Walls that TypeScript builds. */
export type Wall =
  /** Slots live as long as the section that needs them, and all others are closed before the process's own names are resolved. */
  | 'descriptors'
  /** What is below a file system that the runtime mounted is masked through that mount's descriptor. */
  | 'own-mounts'

let off: readonly string[] = []

/** Turns off the walls that RUNT_WEAKEN lists (names separated by commas). Does nothing in a release. */
export function weaken(native: Pick<Native, 'env'>): void {
  if (RUNT_WEAKEN) off = (native.env('RUNT_WEAKEN') ?? '').split(',')
}

export const isWeakened = (wall: Wall): boolean => (RUNT_WEAKEN ? off.includes(wall) : false)

/** Appended to the version, so that such a build is never taken for another. */
export const weakenedSuffix: string = RUNT_WEAKEN ? '-weakened' : ''
