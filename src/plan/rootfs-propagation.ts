// linux.rootfsPropagation (config-linux.md "Rootfs Mount Propagation"): its effect on the root mount, on the host's
// mounts in the container's namespace, and on bind mounts.

import type { RootfsPropagation } from '../config/config.ts'
import { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../steps/constants.ts'
import type { PlanContext } from './context.ts'

/** For mount(2). */
export const propagationFlags: Readonly<Record<RootfsPropagation, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
}

const wantsShared = (wanted: RootfsPropagation | undefined): boolean => wanted === 'shared' || wanted === 'rshared'

/** The propagation of the host's mounts in the container's namespace: never back to the host. */
export const outsidePropagation = (wanted: RootfsPropagation | undefined): number =>
  wanted === 'rprivate' ? MS_PRIVATE : MS_SLAVE

/**
 * A shared root gets a peer group of its own, later: pivot_root(2) refuses a shared mount, and attaching the root to a shared mount would
 * also attach it on the host.
 */
export const rootPropagation = (wanted: RootfsPropagation | undefined): number =>
  wantsShared(wanted) ? MS_PRIVATE : outsidePropagation(wanted)

/**
 * Only the root mount must not be a peer of the host's: bind mounts keep the propagation of their source, unless
 * options change it.
 */
const isForRootOnly = (wanted: RootfsPropagation | undefined): boolean =>
  wanted === 'private' || wanted === 'slave' || wanted === 'unbindable'

/** Whether mounts below a bind mount without propagation options propagate to the host, as for its source. */
export const sendsMounts = (wanted: RootfsPropagation | undefined): boolean =>
  isForRootOnly(wanted) || wantsShared(wanted)

/**
 * The propagation set on bind mounts that the runtime clones on the host; undefined: they stay peers of the host's. In a user namespace
 * they do so only if the root is to be shared, too.
 */
export function sourcePropagation({ linux, namespaces }: PlanContext): number | undefined {
  const wanted = linux.rootfsPropagation
  if (wantsShared(wanted)) return MS_SHARED
  return isForRootOnly(wanted) && !namespaces.unprivileged ? undefined : outsidePropagation(wanted)
}
