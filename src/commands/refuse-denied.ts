// After a start: whether the program can run at all under its seccomp profile. Init's end and execve(2) look alike from here, so
// what the profile denies decides.

import type { DeniedCall } from 'seccomp-bpf-js'
import type { Native } from '../native.ts'
import { describeDenied, isForTracer } from '../plan/denied.ts'

/** Throws where the filter has denied what init needed. A `launched` init is this process's child: it is killed and reaped. */
export function refuseDenied(
  native: Native,
  denied: readonly DeniedCall[] | undefined,
  pid: number,
  init: 'launched' | 'started',
): void {
  if (denied === undefined || denied.length === 0 || (isForTracer(denied) && isTraced(native, pid))) return
  if (init === 'launched') native.abandon()
  throw describeDenied(denied)
}

function isTraced(native: Native, pid: number): boolean {
  try {
    return /^TracerPid:\s*[1-9]/m.test(native.readFile(`/proc/${pid}/status`))
  } catch {
    return false // It has ended, and somebody has reaped it.
  }
}
