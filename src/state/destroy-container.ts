// Ends what is left of a container and removes its cgroups. Whether that may be done is the commands' decision.

import { busyError, lastWrites, releases } from '../cgroup/removal.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses, nestedCgroups } from './cgroup-processes.ts'
import { whileUnclaimed } from './claim-cgroups.ts'
import { type ContainerRecord, cgroupDirectories } from './record.ts'
import { SIGKILL } from './signals.ts'
import { thaw } from './status.ts'

/** As long as runc waits. */
const PATIENCE = 10_000
/** For what has been killed to go. */
const USUALLY_ENOUGH = 50
/** For what has ended with the container to be gone: longer waits only who is not the container's. */
const GRACE = 2000

/** Kills init and waits for its end. With a pid namespace of its own that is the end of all. */
export function killInit(native: Native, record: ContainerRecord): void {
  if (record.pid === 0 || !native.signal(record.pid, record.startTime, SIGKILL)) return
  thaw(native, record)
  if (native.waitForExit(record.pid, record.startTime, USUALLY_ENOUGH)) return
  // The first process of a pid namespace waits for all others.
  releaseAll(native, record)
  if (!native.waitForExit(record.pid, record.startTime, PATIENCE)) {
    throw new RuntError('state', `process ${record.pid} has not ended ${PATIENCE / 1000} s after SIGKILL`)
  }
}

/** Sees to it that nothing in the cgroups goes on, or at least that nothing is added to what is to be killed. */
export function endCgroups(native: Native, cgroups: ContainerRecord['cgroups']): void {
  for (const { path, data } of lastWrites(cgroups)) {
    try {
      native.writeFile(path, data, 0o644)
    } catch {
      // Not there, gone already, or not ours to write: then they are killed one by one.
    }
  }
}

/**
 * Removes the cgroups of a container whose init has ended, and those that it has made in them. Without a pid namespace of its
 * own, more of its processes may live on in there, and are killed. What lives there else is somebody else's: an error, unless
 * it is to be killed as well, which is what a container needs whose init is not known. `yield`: as `spare`, but what another
 * container is about to enter is left to that one.
 */
export function destroyCgroups(native: Native, record: ContainerRecord, others: 'spare' | 'kill' | 'yield'): void {
  // Who is to be killed must not keep us from it.
  if (others === 'kill' || record.pidNamespace === 'shared')
    removeEach(native, record, (directory) => killAndRemove(native, record, directory))
  else
    whileUnclaimed(native, record.cgroups, others === 'yield' ? 'yield' : 'wait', () =>
      removeEach(native, record, (directory) => native.removeCgroup(directory, GRACE)),
    )
  for (const directory of record.rdt?.directories ?? []) removeRdtGroup(native, directory)
}

/** `remove` says whether it is gone. */
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
  if (native.destroyCgroup(directory, USUALLY_ENOUGH)) return true
  // Killed by now, but frozen or throttled. Or it forks too fast.
  endCgroups(native, record.cgroups)
  releaseAll(native, record)
  return native.destroyCgroup(directory, PATIENCE)
}

/** It may not have been made yet, or not any more be there. */
function removeRdtGroup(native: Native, directory: string): void {
  try {
    native.rmdir(directory)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw hostFailure(directory, error)
  }
}

/** The container may have frozen or throttled cgroups of its own. */
function releaseAll(native: Native, record: ContainerRecord): void {
  for (const { directory, file, data } of releases(record.cgroups)) {
    for (const cgroup of nestedCgroups(native, directory)) {
      try {
        native.writeFile(`${cgroup}/${file}`, data, 0o644)
      } catch {
        // Gone meanwhile, or without this controller.
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
