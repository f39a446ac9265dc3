// Pauses and resumes (kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst and cgroup-v2.rst). A request is
// one write, and only the freezer stores it: from then on every command sees `paused`, and `resume` and `delete
// --force` thaw. Signals are blocked while waiting for the freeze to complete, so that only SIGKILL can prevent a
// failed freeze from being undone. No other command freezes anything, not even briefly.

import { type Freezer, freezerOf } from '../cgroup/freezer.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { type ContainerRecord, requireCgroups } from './record.ts'

const FREEZE_TIMEOUT_MS = 10_000
const THAW_TIMEOUT_MS = 1000
const RETRY_MS = 2
/**
 * The v1 freezer may miss a process that is being forked and never complete: a repeated request includes the process.
 */
const RESEND_MS = 200

/** Returns when all processes of the container are frozen; otherwise thaws and throws. */
export function freezeContainer(native: Native, record: ContainerRecord): void {
  const freezer = requireFreezer(record)
  native.holdSignals()
  try {
    write(native, freezer, freezer.freeze)
    for (let waited = 0; waited < FREEZE_TIMEOUT_MS; waited += RETRY_MS) {
      if (freezer.state(native.readFile(freezer.stateFile)) === 'frozen') return
      if (freezer.selfFile !== undefined && waited % RESEND_MS === RESEND_MS - RETRY_MS) {
        write(native, freezer, freezer.thaw)
        write(native, freezer, freezer.freeze)
      }
      native.sleep(RETRY_MS)
    }
  } catch (error) {
    thawAgain(native, freezer)
    throw hostFailure(freezer.file, error)
  }
  thawAgain(native, freezer)
  const message = `${freezer.file}: a process cannot be frozen; thawed after ${FREEZE_TIMEOUT_MS / 1000} s`
  throw new RuntError('host', message, { path: freezer.file })
}

export function thawContainer(native: Native, record: ContainerRecord): void {
  const freezer = requireFreezer(record)
  try {
    write(native, freezer, freezer.thaw)
    for (let waited = 0; waited < THAW_TIMEOUT_MS; waited += RETRY_MS) {
      if (freezer.state(native.readFile(freezer.stateFile)) === 'thawed') return
      native.sleep(RETRY_MS)
    }
  } catch (error) {
    throw hostFailure(freezer.file, error)
  }
  throw new RuntError('host', `${freezer.file}: still frozen: a cgroup above it is`, { path: freezer.file })
}

function requireFreezer(record: ContainerRecord): Freezer {
  const freezer = freezerOf(record.cgroups)
  if (freezer !== undefined) return freezer
  requireCgroups(record)
  throw new RuntError('host', 'the container has no cgroup with a freezer')
}

function write(native: Native, freezer: Freezer, text: string): void {
  native.writeFile(freezer.file, text, 0o644)
}

function thawAgain(native: Native, freezer: Freezer): void {
  try {
    write(native, freezer, freezer.thaw)
  } catch {
    // not writable: it could not be frozen, or is gone
  }
}
