// Publishes a process to the caller before it can run: its pidfd over a socket, its pid in a file.

import { hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'

export interface PublishFlags {
  readonly 'pidfd-socket': string | undefined
  readonly 'pid-file': string | undefined
}

export function reportPid(native: Native, pid: number, flags: PublishFlags): void {
  const pidfdSocket = flags['pidfd-socket']
  if (pidfdSocket !== undefined) naming(`--pidfd-socket ${pidfdSocket}`, () => native.sendPidfd(pidfdSocket, pid))
  const pidFile = flags['pid-file']
  if (pidFile !== undefined && pidFile !== '') {
    naming(`--pid-file ${pidFile}`, () => native.writeFileAtomic(pidFile, String(pid), 0o644))
  }
}

/** Runs an action; an error names the caller's object. */
function naming(object: string, action: () => void): void {
  try {
    action()
  } catch (error) {
    throw hostFailure(object, error)
  }
}
