// Determines the state of a container (runtime.md, State). Always derived from the kernel and never stored, because a
// stored state is wrong after a crash.

import { freezerOf } from '../cgroup/freezer.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'
import { START_FIFO } from '../steps/protocol.ts'
import type { ContainerRecord } from './record.ts'

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

export function containerStatus(native: Native, directory: string, record: ContainerRecord): Status {
  if (record.pid === 0) return 'creating'
  if (!isAlive(native, record)) return 'stopped'
  if (isFrozen(native, record.cgroups)) return 'paused'
  // Init's execve(2) closes it, even if `start` was killed before it removed the file.
  return native.fifoHasReader(`${directory}/${START_FIFO}`) ? 'created' : 'running'
}

/** Whether the process exists: another process with the same pid, or a zombie, does not count. */
export function isAlive(native: Native, record: Pick<ContainerRecord, 'pid' | 'startTime'>): boolean {
  if (record.pid === 0) return false
  const process = native.processStatus(record.pid)
  return (
    process !== undefined && process.startTime === record.startTime && process.state !== 'Z' && process.state !== 'X'
  )
}

export function isFrozen(native: Native, cgroups: ContainerRecord['cgroups']): boolean {
  const freezer = freezerOf(cgroups)
  if (freezer === undefined) return false
  try {
    // The requested state: a container that is being frozen counts as paused.
    return native.readFile(freezer.file).trimEnd() !== freezer.thaw
  } catch (error) {
    // The cgroup is gone or not readable, so nothing can be frozen.
    if (['ENOENT', 'ENODEV', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return false
    throw hostFailure(freezer.file, error)
  }
}

/** On v1 a frozen process receives a signal only when it is thawed. */
export function thaw(native: Native, record: ContainerRecord): void {
  const freezer = freezerOf(record.cgroups)
  if (freezer === undefined || !isFrozen(native, record.cgroups)) return
  native.writeFile(freezer.file, freezer.thaw, 0o644)
}
