// The other side of claim_cgroup (cgroup/claim.ts): removing cgroups only where no other runtime is about to enter them.

import { claimOf } from '../cgroup/claim.ts'
import { errnoOf } from '../errno.ts'
import type { Native } from '../native.ts'

/** Does something while no container can begin in the cgroups; nothing where one is about to: then they are that one's. */
export function whileUnclaimed(
  native: Native,
  paths: { readonly [controller: string]: string },
  action: () => void,
): void {
  const claim = claimOf(paths)
  const lock = claim && tryLock(native, claim.lock)
  if (lock === 'taken') return
  try {
    action()
  } finally {
    if (lock !== undefined) native.close(lock)
  }
}

function tryLock(native: Native, path: string): number | 'taken' | undefined {
  try {
    return native.lock(path)
  } catch (error) {
    // Others: it is not there, or not ours to open, and its removal will tell.
    return errnoOf(error) === 'EAGAIN' ? 'taken' : undefined
  }
}
