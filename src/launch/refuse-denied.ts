// After a start: checks whether the seccomp profile kept the program from running. Init's death and execve(2) look
// alike to the runtime, so the profile's denials decide.

import type { DeniedCall } from 'seccomp-bpf-js'
import type { Native } from '../native.ts'
import { describeDenied, isForTracer } from '../plan/denied.ts'

/** Throws if the filter denied what init needed. A `launched` init is this process's child: it is killed and reaped. */
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
    return false // it has ended and has been reaped
  }
}
