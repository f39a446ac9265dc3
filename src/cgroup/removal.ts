/**
 * Ending and removing a container's cgroups (config-linux.md, Control groups; cgroups(7)). Decides which writes end
 * everything in them, which directories go, in which order, and what is said of a cgroup that others are in. What is in
 * them is read by the caller.
 */

import { RuntError } from '../errors.ts'
import { freezerOf } from './freezer.ts'

/** A write to one file of a cgroup. */
export interface CgroupWrite {
  readonly path: string
  readonly data: string
}

/**
 * What ends a container that forks faster than its processes can be killed one by one: with no more processes allowed, those
 * that are there are the last ones; cgroup.kill (Linux 5.14) kills all at once. Either may be missing. Nothing is frozen for
 * it: whoever is killed in the middle leaves nothing that stands still.
 */
export function lastWrites(paths: { readonly [controller: string]: string }): readonly CgroupWrite[] {
  const unified = paths['']
  const pids = paths.pids ?? unified
  return [
    ...(pids === undefined ? [] : [{ path: `${pids}/pids.max`, data: '0' }]),
    ...(unified === undefined ? [] : [{ path: `${unified}/cgroup.kill`, data: '1' }]),
  ]
}

/** The same for a cgroup and each that the container may have made below it. */
export interface Release {
  readonly directory: string
  readonly file: string
  readonly data: string
}

/**
 * What lets the killed go at once. Who is frozen on v1 dies only when it thaws; who is throttled, on any version, dies as slowly
 * as its quota of CPU time allows (Documentation/scheduler/sched-bwc.rst): seconds, for some dozens of processes.
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
