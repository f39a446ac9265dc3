/**
 * By what a runtime claims the cgroups of a container, so that no two use the same at once: a lock on one file in them, from
 * before they are written to until a process is in, and while they are removed. Between runts only: no other runtime looks
 * at it. The file is one that its owner alone can open: whoever can open a file can lock it.
 */

type Paths = { readonly [controller: string]: string }

export interface Claim {
  readonly directory: string
  readonly lock: string
  /** Who is in it. Not cgroup.procs on v2, which cannot be read in a threaded cgroup. */
  readonly list: string
}

/** undefined: there is no such file. */
export function claimOf(paths: Paths): Claim | undefined {
  if (paths.devices !== undefined)
    return { directory: paths.devices, lock: `${paths.devices}/devices.allow`, list: `${paths.devices}/tasks` }
  const unified = paths['']
  return unified === undefined
    ? undefined
    : { directory: unified, lock: `${unified}/cgroup.kill`, list: `${unified}/cgroup.threads` }
}
