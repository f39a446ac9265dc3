// Ends a container's processes and removes its cgroups. The commands decide whether that is allowed.

import { busyError, lastWrites, releases } from '../cgroup/removal.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses, nestedCgroups } from './cgroup-processes.ts'
import { whileUnclaimed } from './claim-cgroups.ts'
import { type ContainerRecord, cgroupDirectories } from './record.ts'
import { SIGKILL } from './signals.ts'
import { thaw } from './status.ts'

/** The same timeout as runc's. */
const KILL_TIMEOUT_MS = 10_000
/** A first wait for killed processes to end. */
const FAST_WAIT_MS = 50
/** For processes of the ended container to disappear; those that take longer are not the container's. */
const REMOVE_TIMEOUT_MS = 2000

/** Kills init and waits for its end. If it has its own pid namespace, that ends all processes. */
export function killInit(native: Native, record: ContainerRecord): void {
  if (record.pid === 0 || !native.signal(record.pid, record.startTime, SIGKILL)) return
  thaw(native, record)
  if (native.waitForExit(record.pid, record.startTime, FAST_WAIT_MS)) return
  // The first process of a pid namespace waits for all others when it ends.
  releaseAll(native, record)
  if (!native.waitForExit(record.pid, record.startTime, KILL_TIMEOUT_MS)) {
    throw new RuntError('state', `process ${record.pid} has not ended ${KILL_TIMEOUT_MS / 1000} s after SIGKILL`)
  }
}

/** Ends all processes in the cgroups, or at least prevents new ones. */
export function endCgroups(native: Native, cgroups: ContainerRecord['cgroups']): void {
  for (const { path, data } of lastWrites(cgroups)) {
    try {
      native.writeFile(path, data, 0o644)
    } catch {
      // missing, already removed, or not writable: then they are killed one by one
    }
  }
}

/**
 * Removes the cgroups of a container whose init has ended, and those it has created below them. Without a pid namespace of its own, other
 * processes of the container may still run there, and are killed. Any others belong to someone else: an error, unless they are to be
 * killed as well, which is needed for a container whose init is unknown. `yield`: as `spare`, but leaves cgroups that another container
 * is about to join.
 */
export function destroyCgroups(native: Native, record: ContainerRecord, others: 'spare' | 'kill' | 'yield'): void {
  // Processes that are to be killed must not prevent the removal.
  if (others === 'kill' || record.pidNamespace === 'shared')
    removeEach(native, record, (directory) => killAndRemove(native, record, directory))
  else
    whileUnclaimed(native, record.cgroups, others === 'yield' ? 'yield' : 'wait', () =>
      removeEach(native, record, (directory) => native.removeCgroup(directory, REMOVE_TIMEOUT_MS)),
    )
  for (const directory of record.rdt?.directories ?? []) removeRdtGroup(native, directory)
}

/** Calls `remove`, which returns whether the directory is gone, for each cgroup. */
function removeEach(native: Native, record: ContainerRecord, remove: (directory: string) => boolean): void {
  for (const directory of cgroupDirectories(record)) {
    try {
      if (!remove(directory)) throw stillInUse(native, directory)
    } catch (error) {
      throw hostFailure(`cgroup ${directory}`, error)
    }
  }
}

function killAndRemove(native: Native, record: ContainerRecord, directory: string): boolean {
  if (native.destroyCgroup(directory, FAST_WAIT_MS)) return true
  // They are killed by now, but frozen or throttled; or they fork too fast.
  endCgroups(native, record.cgroups)
  releaseAll(native, record)
  return native.destroyCgroup(directory, KILL_TIMEOUT_MS)
}

/** The group may not exist yet, or no more. */
function removeRdtGroup(native: Native, directory: string): void {
  try {
    native.rmdir(directory)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw hostFailure(directory, error)
  }
}

/** Thaws and unthrottles cgroups that the container has created. */
function releaseAll(native: Native, record: ContainerRecord): void {
  for (const { directory, file, data } of releases(record.cgroups)) {
    for (const cgroup of nestedCgroups(native, directory)) {
      try {
        native.writeFile(`${cgroup}/${file}`, data, 0o644)
      } catch {
        // removed meanwhile, or without this controller
      }
    }
  }
}

function stillInUse(native: Native, directory: string): RuntError {
  const processes = cgroupProcesses(native, directory)
  return busyError(
    directory,
    processes,
    processes.map((pid) => native.processStatus(pid)?.comm ?? ''),
  )
}
