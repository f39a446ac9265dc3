// Pausing and resuming (kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst and cgroup-v2.rst). Asking is one
// write, and the freezer is all that remembers it: whoever looks at the container sees `paused` from then on, `resume` and
// `delete --force` thaw it. While we wait for the freezing to be complete, signals wait for us, so that only SIGKILL can
// keep a freezing that fails from being taken back. No other command freezes anything, not even for a moment.

import { type Freezer, freezerOf } from '../cgroup/freezer.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { ContainerRecord } from './record.ts'

const FREEZE_PATIENCE = 10_000
const THAW_PATIENCE = 1000
const PAUSE = 2
/** The v1 freezer may miss a process that is being forked, and then waits for ever: asked again it sees it. */
const ASK_AGAIN = 200

/** Returns when nothing in the container runs any more; else everything goes on as before, and an error is thrown. */
export function freezeContainer(native: Native, record: ContainerRecord): void {
  const freezer = requireFreezer(record)
  native.holdSignals()
  try {
    write(native, freezer, freezer.freeze)
    for (let waited = 0; waited < FREEZE_PATIENCE; waited += PAUSE) {
      if (freezer.state(native.readFile(freezer.stateFile)) === 'frozen') return
      if (freezer.selfFile !== undefined && waited % ASK_AGAIN === ASK_AGAIN - PAUSE) {
        write(native, freezer, freezer.thaw)
        write(native, freezer, freezer.freeze)
      }
      native.sleep(PAUSE)
    }
  } catch (error) {
    takeBack(native, freezer)
    throw hostFailure(freezer.file, error)
  }
  takeBack(native, freezer)
  const message = `${freezer.file}: some process cannot be frozen; after ${FREEZE_PATIENCE / 1000} s all go on as before`
  throw new RuntError('host', message, { path: freezer.file })
}

export function thawContainer(native: Native, record: ContainerRecord): void {
  const freezer = requireFreezer(record)
  try {
    write(native, freezer, freezer.thaw)
    for (let waited = 0; waited < THAW_PATIENCE; waited += PAUSE) {
      if (freezer.state(native.readFile(freezer.stateFile)) === 'thawed') return
      native.sleep(PAUSE)
    }
  } catch (error) {
    throw hostFailure(freezer.file, error)
  }
  throw new RuntError('host', `${freezer.file}: still frozen: a cgroup above it is`, { path: freezer.file })
}

function requireFreezer(record: ContainerRecord): Freezer {
  const freezer = freezerOf(record.cgroups)
  if (freezer !== undefined) return freezer
  throw new RuntError('host', 'the container has no cgroup with a freezer')
}

function write(native: Native, freezer: Freezer, text: string): void {
  native.writeFile(freezer.file, text, 0o644)
}

function takeBack(native: Native, freezer: Freezer): void {
  try {
    write(native, freezer, freezer.thaw)
  } catch {
    // Not writable: then it could not be frozen, or is gone.
  }
}
