/**
 * Turns what the planners of the controllers want into steps: directories, writes, and the join. Decides how few system
 * calls that takes (several writes to one file share an open); the order is the callers'.
 */

import type { Step } from '../plan/launch-plan.ts'
import type { Write } from './write.ts'

/** Hands out descriptor slots of the launch plan; the name is for people. */
export interface Slots {
  allocate(name: string): number
}

// The same numbers on every architecture that runt is built for.
const O_WRONLY = 1
const O_CLOEXEC = 0o2000000
const O_PATH = 0o10000000

/** The writes as steps, in order; consecutive writes to one file go through one descriptor. */
export function writeSteps(directory: string, writes: readonly Write[], slots: Slots): Step[] {
  const steps: Step[] = []
  for (let i = 0; i < writes.length; ) {
    const run = runLength(writes, i)
    const first = writes[i] as Write
    if (run === 1) steps.push(writeStep(directory, first))
    else steps.push(...sharedSteps(directory, writes.slice(i, i + run), slots))
    i += run
  }
  return steps
}

/** One directory; EEXIST is no error. `parents` 1: missing parents too. */
export function directoryStep(
  path: string,
  from: string,
  options: { parents?: 1; tolerate?: readonly number[] },
): Step {
  return { op: 'mkdirat', from, path, mode: 0o755, ...options }
}

/** Open a file for writing and keep it. */
export function openForWriting(path: string, into: number, from: string, tolerate?: readonly number[]): Step {
  return { op: 'openat2', from, path, flags: O_WRONLY | O_CLOEXEC, into, ...(tolerate && { tolerate }) }
}

/** Open a cgroup's directory for CLONE_INTO_CGROUP or a BPF program. */
export function openDirectory(path: string, into: number, from: string, tolerate?: readonly number[]): Step {
  return { op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC, into, ...(tolerate && { tolerate }) }
}

function writeStep(directory: string, { file, data, from, tolerate }: Write): Step {
  return { op: 'write_file', from, path: `${directory}/${file}`, data, ...(tolerate && { tolerate }) }
}

function sharedSteps(directory: string, writes: readonly Write[], slots: Slots): Step[] {
  const { file, from } = writes[0] as Write
  const fd = slots.allocate(`cgroup ${file}`)
  return [
    openForWriting(`${directory}/${file}`, fd, from),
    ...writes.map(({ data, from }): Step => ({ op: 'write', from, fd, data })),
    { op: 'close', from, fd },
  ]
}

/** How many writes from here on may share one descriptor. */
function runLength(writes: readonly Write[], start: number): number {
  const file = writes[start]?.file
  let end = start + 1
  if (writes[start]?.tolerate !== undefined) return 1
  while (writes[end]?.file === file && writes[end]?.tolerate === undefined) end++
  return end - start
}
