// Ends what is left of a container and removes its cgroups. Whether that may be done is the commands' decision.

import { freezerOf } from '../cgroup/freezer.ts'
import { busyError } from '../cgroup/removal.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses, nestedCgroups } from './cgroup-processes.ts'
import { type ContainerRecord, cgroupDirectories } from './record.ts'
import { thaw } from './status.ts'

const SIGKILL = 9
/** As long as runc waits. */
const PATIENCE = 10_000
/** For what has been killed to go. */
const USUALLY_ENOUGH = 50

/** Kills init and waits for its end. With a pid namespace of its own that is the end of all. */
export function killInit(native: Native, record: ContainerRecord): void {
  if (record.pid === 0 || !native.signal(record.pid, record.startTime, SIGKILL)) return
  thaw(native, record)
  if (!native.waitForExit(record.pid, record.startTime, PATIENCE)) {
    throw new RuntError('state', `process ${record.pid} has not ended ${PATIENCE / 1000} s after SIGKILL`)
  }
}

/** Removes the cgroups, and those that the container has made in them, with all that lives there. */
export function destroyCgroups(native: Native, record: ContainerRecord): void {
  for (const directory of cgroupDirectories(record)) {
    let removed: boolean
    try {
      removed = native.destroyCgroup(directory, USUALLY_ENOUGH)
      if (!removed) {
        // Killed by now, but on v1 what is frozen dies only when it thaws; somebody may have left it so.
        thawAll(native, record)
        removed = native.destroyCgroup(directory, PATIENCE)
      }
    } catch (error) {
      throw hostFailure(`cgroup ${directory}`, error)
    }
    if (!removed) throw stillInUse(native, directory)
  }
  for (const directory of record.rdt?.directories ?? []) removeRdtGroup(native, directory)
}

/** It may not have been made yet, or not any more be there. */
function removeRdtGroup(native: Native, directory: string): void {
  try {
    native.rmdir(directory)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw hostFailure(directory, error)
  }
}

/** The container may have frozen cgroups of its own. */
function thawAll(native: Native, record: ContainerRecord): void {
  const freezer = freezerOf(record.cgroups)
  if (freezer === undefined) return
  const slash = freezer.file.lastIndexOf('/')
  for (const cgroup of nestedCgroups(native, freezer.file.slice(0, slash))) {
    try {
      native.writeFile(cgroup + freezer.file.slice(slash), freezer.thaw, 0o644)
    } catch {
      // Gone meanwhile.
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
