// Protections that a test build (make WEAKEN=1) can turn off, so that a test can show that an attack succeeds without
// them. In such a build the environment variable RUNT_WEAKEN lists the protections that are off. In every other build
// the bundler removes the code that depends on it. Those in C: addon/kernel/weaken.h. docs/threat-model.md describes
// each one.

import type { Native } from './native.ts'

declare global {
  /** Set by scripts/bundle.mjs. `RUNT_WEAKEN && isWeakened(…)` compiles to nothing if it is false. */
  const RUNT_WEAKEN: boolean
}

/** Protections in TypeScript. */
export type Wall =
  /** Slots are closed with the section that needs them, and all others before the process's own names are resolved. */
  | 'descriptors'
  /** Paths on a file system that the runtime mounted are masked through that mount's descriptor. */
  | 'own-mounts'
  /** A path is masked before a clone of its parent becomes read-only. */
  | 'masks-first'
  /** The process of `exec` enters the container's pid namespace after init has dropped its privileges. */
  | 'late-fork'
  /** Files below /proc are written through a procfs of the runtime's own. */
  | 'own-procfs'
  /** The container's mounts do not propagate to the host's mount namespace. */
  | 'propagation'
  /** The container has a session keyring of its own. */
  | 'keyring'
  /** Devices without a rule are denied. */
  | 'device-default'
  /** Hooks do not get the environment of the container's process. */
  | 'hook-environment'
  /** Capabilities are inheritable only on request. */
  | 'inheritable'
  /** Only procfs can be mounted on /proc. */
  | 'proc-covered'
  /** The working directory is resolved inside the root file system before it is entered. */
  | 'made-cwd'

let off: readonly string[] = []

/** Turns off the protections that RUNT_WEAKEN lists (names separated by commas). Does nothing in a release. */
export function weaken(native: Pick<Native, 'env'>): void {
  if (RUNT_WEAKEN) off = (native.env('RUNT_WEAKEN') ?? '').split(',')
}

/** Whether the protection is off. Check RUNT_WEAKEN first. */
export const isWeakened = (wall: Wall): boolean => off.includes(wall)

/** Appended to the version, so that such a build cannot be mistaken for another. */
export const weakenedSuffix: string = RUNT_WEAKEN ? '-weakened' : ''
