// Who is in a cgroup and in those below it, which the container may have made itself.

import { nestedFirst, parseProcesses } from '../cgroup/removal.ts'
import type { Native } from '../native.ts'

/** The cgroup and all below it, deepest first. One that goes away meanwhile has nothing in it. */
export function nestedCgroups(native: Native, directory: string): readonly string[] {
  return nestedFirst(directory, (parent) => {
    try {
      return native.readDirectory(parent).filter((name) => native.status(`${parent}/${name}`)?.kind === 'directory')
    } catch {
      return []
    }
  })
}

/** Their processes, in the order of their ids; those that our pid namespace does not show are left out. */
export function cgroupProcesses(native: Native, directory: string): readonly number[] {
  const pids = new Set<number>()
  for (const cgroup of nestedCgroups(native, directory)) {
    try {
      for (const pid of parseProcesses(native.readFile(`${cgroup}/cgroup.procs`))) if (pid > 0) pids.add(pid)
    } catch {
      // Gone, or threaded: then its processes are listed further up.
    }
  }
  return [...pids].sort((a, b) => a - b)
}
