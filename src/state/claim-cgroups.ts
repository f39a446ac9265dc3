// The counterpart of claim_cgroup (cgroup/claim.ts): removes cgroups only if no other runtime is about to use them.

import { claimOf } from '../cgroup/claim.ts'
import { errnoOf } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { LOCK_TIMEOUT_MS, tryWithin } from './lock.ts'
import { claimsFile } from './state-root.ts'

/**
 * Runs an action while no container can start in the cgroups. `yield`: does nothing if one is about to, because then they belong to it.
 * `wait`: waits until that one has joined or failed.
 */
export function whileUnclaimed(
  native: Native,
  paths: { readonly [controller: string]: string },
  taken: 'yield' | 'wait',
  action: () => void,
): void {
  const claim = claimOf(paths)
  const lock = claim && tryWithin(native, taken === 'wait' ? LOCK_TIMEOUT_MS : 0, () => take(native, claim.offset))
  if (claim !== undefined && lock === undefined) {
    if (taken === 'yield') return
    const reason = `another container has been about to enter it for ${LOCK_TIMEOUT_MS / 1000} s`
    throw new RuntError('state', `cgroup ${claim.directory}: fcntl: EAGAIN (${reason})`, { path: claim.directory })
  }
  try {
    action()
  } finally {
    if (lock !== undefined && lock >= 0) native.close(lock)
  }
}

/** -1: neither we nor other unprivileged users here may open the file. */
function take(native: Native, offset: number): number {
  try {
    return native.lockByte(claimsFile(native), offset)
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') throw error
    return -1
  }
}
