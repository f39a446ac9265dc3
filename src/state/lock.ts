// Only one command at a time may change a container: flock(2) on its state directory. Commands that only read, and
// `kill`, take no lock: they must work while another command waits for a hook. All waits for the lock have a deadline.

import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeHolder, lockHolder } from './lock-holder.ts'

/** Milliseconds. The time that runc waits for the end of a container. */
export const LOCK_TIMEOUT_MS = 10_000
const FIRST_PAUSE = 1
const LONGEST_PAUSE = 20

/** Runs an action under the lock; undefined if there is no such directory. */
export function withLock<T>(native: Native, directory: string, action: () => T): T | undefined {
  let lock: number
  try {
    lock = lockDirectory(native, directory)
  } catch (error) {
    if (isGone(error)) return undefined
    throw hostFailure(directory, error)
  }
  try {
    return action()
  } finally {
    native.close(lock)
  }
}

/** The state directory does not exist, or no longer. */
export const isGone = (error: unknown): boolean => errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR'

/** Takes the lock and returns a descriptor. After the deadline it throws an error that names the holder. */
export function lockDirectory(native: Native, directory: string): number {
  const lock = lockWithin(native, directory, LOCK_TIMEOUT_MS)
  if (lock !== undefined) return lock
  throw lockedError(directory, describeHolder(lockHolder(native, directory)), LOCK_TIMEOUT_MS)
}

export function lockedError(directory: string, holder: string, milliseconds: number): RuntError {
  const message = `${directory}: flock: EAGAIN (${holder} has held the lock for ${milliseconds / 1000} s)`
  return new RuntError('state', `${message}; "runt delete --force" ends a container that another command works on`, {
    path: directory,
  })
}

/**
 * Takes the lock, or returns undefined after so many milliseconds. Reopens the path each time: it may belong to another
 * container by then.
 */
export function lockWithin(native: Native, directory: string, milliseconds: number): number | undefined {
  return tryWithin(native, milliseconds, () => native.lock(directory))
}

/** Calls `take` until it does not throw EAGAIN; returns undefined after so many milliseconds. */
export function tryWithin<T>(native: Native, milliseconds: number, take: () => T): T | undefined {
  let end: number | undefined
  for (let delay = FIRST_PAUSE; ; delay = Math.min(delay * 2, LONGEST_PAUSE)) {
    try {
      return take()
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
    }
    end ??= native.uptime() + milliseconds
    if (native.uptime() >= end) return undefined
    native.sleep(delay)
  }
}
