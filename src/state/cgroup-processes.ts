// Lists the processes in a cgroup and its descendants, which the container may have created.

import { nestedFirst, parseProcesses } from '../cgroup/removal.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'

/** Errors of a cgroup that has been removed, or (EOPNOTSUPP) whose processes are listed in its threaded domain. */
const nothingThere = ['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP']

/**
 * Returns `otherwise` if there is nothing to read. Any other error is thrown: it does not mean that the cgroup is
 * empty.
 */
function readingOf<T>(directory: string, read: () => T, otherwise: T): T {
  try {
    return read()
  } catch (error) {
    if (nothingThere.includes(errnoOf(error) ?? '')) return otherwise
    throw hostFailure(`cgroup ${directory}`, error)
  }
}

/** The cgroup and all below it, deepest first. One that is removed meanwhile is skipped. */
export function nestedCgroups(native: Native, directory: string): readonly string[] {
  return nestedFirst(directory, (parent) =>
    readingOf(
      parent,
      () => native.readDirectory(parent).filter((name) => native.status(`${parent}/${name}`)?.kind === 'directory'),
      [],
    ),
  )
}

/** Their processes, sorted by pid, without those that are not visible in our pid namespace. */
export function cgroupProcesses(native: Native, directory: string): readonly number[] {
  const pids = new Set<number>()
  for (const cgroup of nestedCgroups(native, directory)) {
    const text = readingOf(cgroup, () => native.readFile(`${cgroup}/cgroup.procs`), '')
    for (const pid of parseProcesses(text)) if (pid > 0) pids.add(pid)
  }
  return [...pids].sort((a, b) => a - b)
}
