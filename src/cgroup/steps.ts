/**
 * Turns writes and directories of the controllers' planners into steps, with few system calls (writes to one file share
 * an open). The callers decide the order.
 */

import { EACCES, ENOENT, ENOSPC, EOPNOTSUPP, EPERM, EROFS, O_CLOEXEC, O_PATH, O_WRONLY } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { Claim } from './claim.ts'
import type { Write } from './write.ts'

/** Allocates descriptor slots of the launch plan; the name is for printing. */
export interface Slots {
  allocate(name: string): number
}

/** Adds the writes as steps, in order; consecutive writes to one file share a descriptor. */
export function addWrites(steps: Step[], directory: string, writes: readonly Write[], slots: Slots): void {
  for (let i = 0; i < writes.length; ) {
    const run = runLength(writes, i)
    if (run === 1) steps.push(writeStep(directory, writes[i] as Write))
    else addShared(steps, directory, writes, i, i + run, slots)
    i += run
  }
}

/** Errnos after which the plan continues; undefined: none. */
export type Tolerated = readonly number[] | undefined

/** One directory; EEXIST is no error. `parents` 1: missing parents too. */
export function directoryStep(path: string, from: string, parents: 0 | 1, tolerate?: Tolerated): Step {
  return tolerating({ op: 'mkdirat', from, path, mode: 0o755, parents }, tolerate)
}

/** Opens a file for writing and keeps it open. */
export function openForWriting(path: string, into: number, from: string, tolerate?: Tolerated): Step {
  return tolerating({ op: 'openat2', from, path, flags: O_WRONLY | O_CLOEXEC, into }, tolerate)
}

/** Opens a cgroup's directory for CLONE_INTO_CGROUP or a BPF program. */
export function openDirectory(path: string, into: number, from: string, tolerate?: Tolerated): Step {
  return tolerating({ op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC, into }, tolerate)
}

/**
 * Claims the cgroup until `into` is closed, unless a process is in it or another runtime has claimed it. A caller that
 * cannot open `file` claims nothing.
 */
export function claimStep({ offset, list }: Claim, file: string, into: number, from: string): Step {
  return { op: 'claim_cgroup', from, path: file, offset, list, into, tolerate: [ENOENT, EACCES, EROFS] }
}

/**
 * Marks a cgroup with the state directory that it belongs to. Not every kernel and user can. `tolerated`: the cgroup
 * may not exist.
 */
export function markStep(
  { directory }: Claim,
  name: string,
  stateDirectory: string,
  from: string,
  tolerated: Tolerated,
): Step {
  const tolerate = tolerated === undefined ? [EOPNOTSUPP, EPERM, EACCES, ENOSPC] : [EOPNOTSUPP, EPERM, ENOENT, EROFS]
  return { op: 'setxattr', from, path: directory, name, value: stateDirectory, tolerate }
}

/** The calling thread joins the cgroup whose `tasks` file is open. */
export function joinStep(fd: number, from: string, tolerate?: Tolerated): Step {
  return tolerating({ op: 'write', from, fd, data: '0' }, tolerate)
}

/**
 * Closes the files by which init joined its cgroups: a process that traces it must not get the host's files
 * (CVE-2016-9962).
 */
export function closeJoined(slots: readonly number[], from: string): Step[] {
  return slots.length === 0 ? [] : [{ op: 'close', from, slots }]
}

function tolerating(step: Step, tolerate: Tolerated): Step {
  return tolerate === undefined ? step : { ...step, tolerate }
}

/** One write, with an open of its own. */
export function writeStep(directory: string, { file, data, from, tolerate }: Write): Step {
  return tolerating({ op: 'write_file', from, path: `${directory}/${file}`, data }, tolerate)
}

/** The writes from `start` up to `end`, to one file. An indexed loop: iterators are slow in QuickJS. */
function addShared(
  steps: Step[],
  directory: string,
  writes: readonly Write[],
  start: number,
  end: number,
  slots: Slots,
): void {
  const { file, from } = writes[start] as Write
  const fd = slots.allocate(`cgroup ${file}`)
  steps.push({ op: 'openat2', from, path: `${directory}/${file}`, flags: O_WRONLY | O_CLOEXEC, into: fd })
  for (let i = start; i < end; i++) {
    const write = writes[i] as Write
    steps.push({ op: 'write', from: write.from, fd, data: write.data })
  }
  steps.push({ op: 'close', from, slots: [fd] })
}

/** How many writes from here on can share one descriptor. */
function runLength(writes: readonly Write[], start: number): number {
  const first = writes[start] as Write
  if (first.tolerate !== undefined) return 1
  const { file } = first
  for (let end = start + 1; ; end++) {
    const next = writes[end]
    if (next === undefined || next.file !== file || next.tolerate !== undefined) return end - start
  }
}
