// Who is in a cgroup and in those below it, which the container may have made itself.

import { nestedFirst, parseProcesses } from '../cgroup/removal.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'

/** What is said of a cgroup that is gone, or (EOPNOTSUPP) whose processes are listed in its threaded domain. */
const nothingThere = ['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP']

/** What was read of a cgroup, or `otherwise` where there is nothing to read: any other error is not "nobody is there". */
function readingOf<T>(directory: string, read: () => T, otherwise: T): T {
  try {
    return read()
  } catch (error) {
    if (nothingThere.includes(errnoOf(error) ?? '')) return otherwise
    throw hostFailure(`cgroup ${directory}`, error)
  }
}

/** The cgroup and all below it, deepest first. One that goes away meanwhile has nothing in it. */
export function nestedCgroups(native: Native, directory: string): readonly string[] {
  return nestedFirst(directory, (parent) =>
    readingOf(
      parent,
      () => native.readDirectory(parent).filter((name) => native.status(`${parent}/${name}`)?.kind === 'directory'),
      [],
    ),
  )
}

/** Their processes, in the order of their ids; those that our pid namespace does not show are left out. */
export function cgroupProcesses(native: Native, directory: string): readonly number[] {
  const pids = new Set<number>()
  for (const cgroup of nestedCgroups(native, directory)) {
    const text = readingOf(cgroup, () => native.readFile(`${cgroup}/cgroup.procs`), '')
    for (const pid of parseProcesses(text)) if (pid > 0) pids.add(pid)
  }
  return [...pids].sort((a, b) => a - b)
}
