// In which of its states a container is (runtime.md, State). Derived each time from the kernel, never stored: what is stored
// is wrong after a crash.

import { freezerOf } from '../cgroup/freezer.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { type Native, START_FIFO } from '../native.ts'
import type { ContainerRecord } from './record.ts'

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

export function containerStatus(native: Native, directory: string, record: ContainerRecord): Status {
  if (record.pid === 0) return 'creating'
  if (!isAlive(native, record)) return 'stopped'
  if (isFrozen(native, record)) return 'paused'
  // Init closes it by becoming the container's process, also where `start` was killed before it could remove the file.
  return native.fifoHasReader(`${directory}/${START_FIFO}`) ? 'created' : 'running'
}

/** Another process with the same pid, and a zombie that its parent has not waited for yet, are no container any more. */
export function isAlive(native: Native, record: Pick<ContainerRecord, 'pid' | 'startTime'>): boolean {
  if (record.pid === 0) return false
  const process = native.processStatus(record.pid)
  return (
    process !== undefined && process.startTime === record.startTime && process.state !== 'Z' && process.state !== 'X'
  )
}

export function isFrozen(native: Native, record: ContainerRecord): boolean {
  const freezer = freezerOf(record.cgroups)
  if (freezer === undefined) return false
  try {
    // What was asked for: a container that is being frozen is paused for everyone who asks.
    return native.readFile(freezer.file).trimEnd() !== freezer.thaw
  } catch (error) {
    // The cgroup is gone, or not ours to read: nothing that could be frozen.
    if (['ENOENT', 'ENODEV', 'ENOTDIR', 'EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) return false
    throw hostFailure(freezer.file, error)
  }
}

/** A signal reaches a process that v1 has frozen only when it thaws. */
export function thaw(native: Native, record: ContainerRecord): void {
  const freezer = freezerOf(record.cgroups)
  if (freezer === undefined || !isFrozen(native, record)) return
  native.writeFile(freezer.file, freezer.thaw, 0o644)
}
