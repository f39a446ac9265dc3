// One command at a time changes a container: flock(2) on its state directory. Commands that only look, and `kill`, take no
// lock: they must work while another command hangs in a hook.

import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'

/** Does something under the lock; undefined where there is no such directory. */
export async function withLock<T>(
  native: Native,
  directory: string,
  action: () => T | Promise<T>,
): Promise<Awaited<T> | undefined> {
  let lock: number
  try {
    lock = native.lock(directory, 'wait')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw hostFailure(directory, error)
  }
  try {
    return await action()
  } finally {
    native.close(lock)
  }
}
