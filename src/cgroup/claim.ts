/**
 * By what a runtime claims the cgroups of a container, so that no two use the same at once: a lock on one byte of a file of the
 * runtime's (state/state-root.ts), from before they are written to until a process is in, and while they are removed. The byte stands
 * for the cgroup's path. Not a file of the cgroup itself: a container that sees the host's cgroups could lock that.
 * Between runts only: no other runtime looks at it.
 *
 * Beside it a cgroup is marked with the state directory that it belongs to (xattr(7)), for `delete --force` where that is lost.
 */

type Paths = { readonly [controller: string]: string }

export interface Claim {
  readonly directory: string
  /** The byte. Two cgroups that have the same one cannot be entered at the same moment, no more. */
  readonly offset: number
  /** Who is in it. Not cgroup.procs on v2, which cannot be read in a threaded cgroup. */
  readonly list: string
}

/** The directory that is claimed for all of a container's; undefined: no hierarchy that is claimed. */
export const claimedDirectory = ({ devices, '': unified }: Paths): string | undefined => devices ?? unified

/** undefined: no hierarchy that is claimed. */
export function claimOf(paths: Paths): Claim | undefined {
  const directory = claimedDirectory(paths)
  if (directory === undefined) return undefined
  return {
    directory,
    offset: hash(directory),
    list: `${directory}/${paths.devices === undefined ? 'cgroup.threads' : 'tasks'}`,
  }
}

/** Attributes `trusted.*` are root's of the host, which a container cannot set; others have only `user.*`. */
export const ownerAttribute = (caller: 'root' | 'rootless'): string =>
  caller === 'root' ? 'trusted.runt.state' : 'user.runt.state'

const HIGH_BITS = 0x1fffff

/** Two multiplicative hashes with different factors, as one integer of 53 bits. */
function hash(text: string): number {
  let low = 0
  let high = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    low = (low * 31 + unit) | 0
    high = (high * 37 + unit) | 0
  }
  return (high & HIGH_BITS) * 0x1_0000_0000 + (low >>> 0)
}
