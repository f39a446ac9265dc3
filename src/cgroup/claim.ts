/**
 * How a runtime claims the cgroups of a container, so that no two use the same ones at once: a lock on one byte of a
 * file of the runtime's (state/state-root.ts), from before the first write to a cgroup until a process is in it, and
 * during its removal. The cgroup's path selects the byte. Not a file of the cgroup itself, because a container that
 * sees the host's cgroups could lock that. Only runt uses the lock.
 *
 * A cgroup is also marked with the state directory that it belongs to (xattr(7)), for `delete --force` if that
 * directory is lost.
 */

type Paths = { readonly [controller: string]: string }

export interface Claim {
  readonly directory: string
  /** The byte. Two cgroups with the same byte cannot be entered at the same moment; that is the only effect. */
  readonly offset: number
  /** Lists the processes in it. On v2 not cgroup.procs, which cannot be read in a threaded cgroup. */
  readonly list: string
}

/** The directory that is claimed on behalf of all of a container's; undefined: no hierarchy can be claimed. */
export const claimedDirectory = ({ devices, '': unified }: Paths): string | undefined => devices ?? unified

/** undefined: no hierarchy can be claimed. */
export function claimOf(paths: Paths): Claim | undefined {
  const directory = claimedDirectory(paths)
  if (directory === undefined) return undefined
  return {
    directory,
    offset: hash(directory),
    list: `${directory}/${paths.devices === undefined ? 'cgroup.threads' : 'tasks'}`,
  }
}

/**
 * `trusted.*` attributes need CAP_SYS_ADMIN on the host, so a container cannot set them; other users only have
 * `user.*`.
 */
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
