// The other side of claim_cgroup (cgroup/claim.ts): removing cgroups only where no other runtime is about to enter them.

import { claimOf } from '../cgroup/claim.ts'
import { errnoOf } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { LOCK_PATIENCE, tryWithin } from './lock.ts'
import { claimsFile } from './state-root.ts'

/**
 * Does something while no container can begin in the cgroups. `yield`: where one is about to, nothing is done, for then they
 * are that one's. `wait`: until it is in or has failed.
 */
export function whileUnclaimed(
  native: Native,
  paths: { readonly [controller: string]: string },
  taken: 'yield' | 'wait',
  action: () => void,
): void {
  const claim = claimOf(paths)
  const lock = claim && tryWithin(native, taken === 'wait' ? LOCK_PATIENCE : 0, () => take(native, claim.offset))
  if (claim !== undefined && lock === undefined) {
    if (taken === 'yield') return
    const reason = `another container has been about to enter it for ${LOCK_PATIENCE / 1000} s`
    throw new RuntError('state', `cgroup ${claim.directory}: fcntl: EAGAIN (${reason})`, { path: claim.directory })
  }
  try {
    action()
  } finally {
    if (lock !== undefined && lock >= 0) native.close(lock)
  }
}

/** -1: the file is not ours to open, nor to whoever else is without privileges here. */
function take(native: Native, offset: number): number {
  try {
    return native.lockByte(claimsFile(native), offset)
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') throw error
    return -1
  }
}
