// Ends what is left of a container and removes its cgroups. Whether that may be done is the commands' decision.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { ContainerRecord } from './record.ts'
import { thaw } from './status.ts'

const SIGKILL = 9
/** As long as runc waits. */
const PATIENCE = 10_000

/** Kills init and waits for its end. With a pid namespace of its own that is the end of all. */
export function killInit(native: Native, record: ContainerRecord): void {
  if (record.pid === 0 || !native.signal(record.pid, record.startTime, SIGKILL)) return
  thaw(native, record)
  if (!native.waitForExit(record.pid, record.startTime, PATIENCE)) {
    throw new RuntError('state', `process ${record.pid} has not ended ${PATIENCE / 1000} s after SIGKILL`)
  }
}

/** Removes the cgroups with all that lives in them. */
export function destroyCgroups(native: Native, record: ContainerRecord): void {
  // A record without a pid may belong to processes that a killed runtime left frozen.
  if (record.pid === 0) thaw(native, record)
  for (const directory of record.cgroupDirectories) {
    let removed: boolean
    try {
      removed = native.destroyCgroup(directory, PATIENCE)
    } catch (error) {
      throw hostFailure(`cgroup ${directory}`, error)
    }
    if (!removed) throw new RuntError('state', `cgroup ${directory}: still in use ${PATIENCE / 1000} s after SIGKILL`)
  }
}
