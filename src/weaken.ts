// Walls that a test build can turn off (make WEAKEN=1), so that a test can show that the wall is what stops an attack. In such a
// build the environment variable RUNT_WEAKEN lists the walls that are off. In every other build the bundler removes what depends
// on it. The walls in C: addon/weaken.h. docs/threat-model.md says what each wall is for.

import type { Native } from './native.ts'

declare global {
  /** Set by scripts/bundle.mjs. `RUNT_WEAKEN && isWeakened(…)` leaves nothing behind where it is false. */
  const RUNT_WEAKEN: boolean
}

/** Walls that TypeScript builds. */
export type Wall =
  /** Slots live as long as the section that needs them, and all others are closed before the process's own names are resolved. */
  | 'descriptors'
  /** What is below a file system that the runtime mounted is masked through that mount's descriptor. */
  | 'own-mounts'
  /** The process of `exec` is born in the container's pid namespace when init's privileges are gone. */
  | 'late-fork'
  /** What is below /proc is written through a procfs of the runtime's own. */
  | 'own-procfs'
  /** The container's mounts do not come into the host's mount namespace. */
  | 'propagation'
  /** The container has a session keyring of its own. */
  | 'keyring'
  /** No device is allowed that no rule allows. */
  | 'device-default'
  /** Hooks get nothing of the environment of the container's process. */
  | 'hook-environment'
  /** No capability is inheritable that is not asked for. */
  | 'inheritable'
  /** Nothing but a procfs is mounted on /proc. */
  | 'proc-covered'

let off: readonly string[] = []

/** Turns off the walls that RUNT_WEAKEN lists (names separated by commas). Does nothing in a release. */
export function weaken(native: Pick<Native, 'env'>): void {
  if (RUNT_WEAKEN) off = (native.env('RUNT_WEAKEN') ?? '').split(',')
}

/** True where the wall is off. Ask only after RUNT_WEAKEN. */
export const isWeakened = (wall: Wall): boolean => off.includes(wall)

/** Appended to the version, so that such a build is never taken for another. */
export const weakenedSuffix: string = RUNT_WEAKEN ? '-weakened' : ''
