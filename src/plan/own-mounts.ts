// Mounts that the runtime makes for the container and keeps open, because paths on them are masked or made read-only
// (maskedPaths and readonlyPaths). Such a path is resolved from the mount's descriptor, so exchanging directories in
// the root file system cannot lead it away from the mount.

import type { Linux } from '../config/config.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext } from './context.ts'

export const isBelow = (path: string, directory: string): boolean =>
  path.startsWith(directory) && path[directory.length] === '/'

/** Masked and read-only paths outside of /proc and /sys, whose mounts are always kept. Usually there are none. */
export function pathsElsewhere({ maskedPaths, readonlyPaths }: Linux): string[] {
  const elsewhere: string[] = []
  for (const paths of [maskedPaths, readonlyPaths])
    for (let i = 0; i < paths.length; i++) {
      const path = paths[i] as string
      if (!path.startsWith('/proc/') && !path.startsWith('/sys/')) elsewhere.push(path)
    }
  return elsewhere
}

/** Whether the mount at the destination must be kept open. */
export const isKept = ({ shared }: PlanContext, destination: string): boolean =>
  shared.pathsElsewhere.length > 0 &&
  destination !== '/' &&
  shared.pathsElsewhere.some((path) => path === destination || isBelow(path, destination))

export function keepOwn({ shared }: PlanContext, destination: string, mount: number): void {
  shared.own.push({ destination, mount })
}

/** Forgets kept mounts that a new mount hides: those at or below its destination. */
export function forgetCovered({ shared: { own } }: PlanContext, destination: string): void {
  for (let i = own.length - 1; i >= 0; i--) {
    const hidden = own[i]?.destination ?? ''
    if (destination === '/' || hidden === destination || isBelow(hidden, destination)) own.splice(i, 1)
  }
}

/** Finds the kept mount that a path is on. Later mounts cover earlier ones, so the search starts at the end. */
export function findOwn({ shared: { own } }: PlanContext, path: string): (typeof own)[number] | undefined {
  if (RUNT_WEAKEN && isWeakened('own-mounts')) return undefined
  for (let i = own.length - 1; i >= 0; i--) {
    const mount = own[i] as (typeof own)[number]
    if (path === mount.destination || isBelow(path, mount.destination)) return mount
  }
  return undefined
}
