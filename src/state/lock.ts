// One command at a time changes a container: flock(2) on its state directory. Commands that only look, and `kill`, take no
// lock: they must work while another command hangs in a hook. Nobody waits for the lock without a deadline.

import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeHolder, lockHolder } from './lock-holder.ts'

/** Milliseconds. As long as runc waits for the end of a container. */
export const LOCK_PATIENCE = 10_000
const FIRST_PAUSE = 1
const LONGEST_PAUSE = 20

/** Does something under the lock; undefined where there is no such directory. */
export async function withLock<T>(
  native: Native,
  directory: string,
  action: () => T | Promise<T>,
): Promise<Awaited<T> | undefined> {
  return inTurn(directory, async (): Promise<Awaited<T> | undefined> => {
    let lock: number
    try {
      lock = lockDirectory(native, directory)
    } catch (error) {
      if (isGone(error)) return undefined
      throw hostFailure(directory, error)
    }
    try {
      return await action()
    } finally {
      native.close(lock)
    }
  })
}

/** There is no such state directory, or no more. */
export const isGone = (error: unknown): boolean => errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR'

/** Takes the lock: a descriptor. After the deadline an error names the holder. */
export function lockDirectory(native: Native, directory: string): number {
  const lock = lockWithin(native, directory, LOCK_PATIENCE)
  if (lock !== undefined) return lock
  throw lockedError(directory, describeHolder(lockHolder(native, directory)), LOCK_PATIENCE)
}

export function lockedError(directory: string, holder: string, milliseconds: number): RuntError {
  const message = `${directory}: flock: EAGAIN (${holder} has held the lock for ${milliseconds / 1000} s)`
  return new RuntError('state', `${message}; "runt delete --force" ends a container that another command works on`, {
    path: directory,
  })
}

/** The lock, or undefined after so many milliseconds. The path is opened anew each time: it may be another container's by then. */
export function lockWithin(native: Native, directory: string, milliseconds: number): number | undefined {
  return tryWithin(native, milliseconds, () => native.lock(directory))
}

/** Calls `take` until it does not throw EAGAIN, or until so many milliseconds have passed: then undefined. */
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

/** Directories on which a command of this process works: the sleep above would keep that command from going on. */
const working = new Map<string, Promise<unknown>>()

/** Does something when no other command of this process works on the container. */
export async function inTurn<T>(directory: string, action: () => Promise<T>): Promise<T> {
  for (let other = working.get(directory); other !== undefined; other = working.get(directory)) {
    await other.catch(() => undefined)
  }
  const turn = action()
  working.set(directory, turn)
  try {
    return await turn
  } finally {
    working.delete(directory)
  }
}
