/**
 * Ends and removes a container's cgroups (config-linux.md, Control groups; cgroups(7)). Says which writes end all
 * processes, which directories are removed and in which order, and formats the error for a cgroup that others use. The
 * caller reads the cgroups.
 */

import { RuntError } from '../errors.ts'
import { freezerOf } from './freezer.ts'

/** A write to one file of a cgroup. */
export interface CgroupWrite {
  readonly path: string
  readonly data: string
}

/**
 * Ends a container that forks faster than its processes can be killed one by one: a pids limit of 0 forbids new
 * processes, and cgroup.kill (Linux 5.14) kills all at once. Either file may be missing. Nothing is frozen for it, so a
 * command that is killed in the middle leaves no frozen process.
 */
export function lastWrites(paths: { readonly [controller: string]: string }): readonly CgroupWrite[] {
  const unified = paths['']
  const pids = paths.pids ?? unified
  return [
    ...(pids === undefined ? [] : [{ path: `${pids}/pids.max`, data: '0' }]),
    ...(unified === undefined ? [] : [{ path: `${unified}/cgroup.kill`, data: '1' }]),
  ]
}

/** Writes for a cgroup and each one below it. */
export interface Release {
  readonly directory: string
  readonly file: string
  readonly data: string
}

/**
 * Lets killed processes die at once. A process frozen on v1 dies only when it is thawed; a throttled one, on any
 * version, dies as slowly as its CPU quota allows (Documentation/scheduler/sched-bwc.rst): seconds, for some dozens of
 * processes.
 */
export function releases(paths: { readonly [controller: string]: string }): readonly Release[] {
  const unified = paths['']
  const found: Release[] = []
  if (paths.cpu !== undefined) found.push({ directory: paths.cpu, file: 'cpu.cfs_quota_us', data: '-1' })
  else if (unified !== undefined) found.push({ directory: unified, file: 'cpu.max', data: 'max' })
  const freezer = freezerOf(paths)
  if (freezer !== undefined) {
    const slash = freezer.file.lastIndexOf('/')
    found.push({ directory: freezer.file.slice(0, slash), file: freezer.file.slice(slash + 1), data: freezer.thaw })
  }
  return found
}

/**
 * A directory and all cgroups below it, deepest first, because only an empty cgroup can be removed. `children` lists
 * the directories in a cgroup.
 */
export function nestedFirst(directory: string, children: (directory: string) => readonly string[]): string[] {
  return [...children(directory).flatMap((name) => nestedFirst(`${directory}/${name}`, children)), directory]
}

/** Parses cgroup.procs (or tasks, cgroup.threads). 0 is a process outside of our pid namespace. */
export function parseProcesses(text: string): number[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]))
}

/** The error for a cgroup that could not be removed, with its processes. */
export function busyError(directory: string, processes: readonly number[], names: readonly string[]): RuntError {
  const who = processes.map((pid, i) => (names[i] ? `${pid} (${names[i]})` : `${pid}`)).join(', ')
  const reason = who === '' ? 'something is still in it' : `still in it: ${who}`
  return new RuntError('host', `cgroup ${directory}: rmdir: EBUSY (${reason})`, { path: directory })
}

/**
 * A directory that exists before `create` must be empty and not frozen, or it belongs to another container. `processes`
 * and `frozen` were read from it.
 */
export function checkUnused(directory: string, processes: readonly number[], frozen: boolean): void {
  const path = 'linux.cgroupsPath'
  if (processes.length > 0) {
    const message = `${path}: container's cgroup is not empty: ${processes.length} process(es) found in ${directory}; end them, or choose another path`
    throw new RuntError('host', message, { path })
  }
  if (!frozen) return
  const message = `${path}: container's cgroup unexpectedly frozen: ${directory}; thaw it, or choose another path`
  throw new RuntError('host', message, { path })
}
