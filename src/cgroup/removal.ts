/**
 * Ending and removing a container's cgroups (config-linux.md, Control groups; cgroups(7)). Decides which file lists the
 * processes, whether one write can kill them all, and which directories go, in which order. What is in them is read by
 * the caller.
 */

import { RuntError } from '../errors.ts'

export interface RemovalPlan {
  /** The file that lists the container's processes: nothing but them, however they were forked. */
  readonly processes: string
  /** Writing '1' kills every process at once, forks included; absent without a v2 tree. ENOENT: a kernel before 5.14. */
  readonly kill?: string
  /** The container's directories. A container may have made cgroups of its own in them: see `nestedFirst`. */
  readonly directories: readonly string[]
}

/** v1 controllers whose list of processes is asked, best first; any other will do as well. */
const LISTED_BY = ['pids', 'devices', 'memory', 'freezer']

/** `paths`: the container's directories by controller, '' for v2, as in state.json. Undefined: it has no cgroups. */
export function planRemoval(paths: { readonly [controller: string]: string }): RemovalPlan | undefined {
  const unified = paths['']
  const legacy =
    LISTED_BY.find((controller) => paths[controller] !== undefined) ?? Object.keys(paths).find((name) => name !== '')
  // In hybrid mode the v2 tree may have refused the container; what v1 says always holds.
  const listing = legacy === undefined ? unified : paths[legacy]
  if (listing === undefined) return undefined
  return {
    processes: `${listing}/cgroup.procs`,
    ...(unified !== undefined && { kill: `${unified}/cgroup.kill` }),
    directories: [...new Set(Object.values(paths))],
  }
}

/**
 * A directory and all cgroups below it, deepest first, for a cgroup is removed only when nothing is in it.
 * `children` names the directories in a cgroup.
 */
export function nestedFirst(directory: string, children: (directory: string) => readonly string[]): string[] {
  return [...children(directory).flatMap((name) => nestedFirst(`${directory}/${name}`, children)), directory]
}

/** The text of cgroup.procs (or tasks, cgroup.threads) as pids. 0 is a process outside of our pid namespace. */
export function parseProcesses(text: string): number[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]))
}

/** A cgroup that could not be removed, and who is in it. */
export function busyError(directory: string, processes: readonly number[], names: readonly string[]): RuntError {
  const who = processes.map((pid, i) => (names[i] ? `${pid} (${names[i]})` : `${pid}`)).join(', ')
  const reason = who === '' ? 'something is still in it' : `still in it: ${who}`
  return new RuntError('host', `cgroup ${directory}: rmdir: EBUSY (${reason})`, { path: directory })
}

/**
 * A directory that was there before `create` must be empty and not frozen, or it is somebody else's. `processes` and
 * `frozen` are what was read there.
 */
export function checkUnused(directory: string, processes: readonly number[], frozen: boolean): void {
  const path = 'linux.cgroupsPath'
  if (processes.length > 0) {
    const message = `${path}: container's cgroup is not empty: ${processes.length} process(es) found in ${directory}`
    throw new RuntError('host', message, { path })
  }
  if (frozen) throw new RuntError('host', `${path}: container's cgroup unexpectedly frozen: ${directory}`, { path })
}
