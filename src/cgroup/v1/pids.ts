/**
 * pids controller (config-linux.md, PIDs), with the same file on v1 and v2. 0 is a limit: as in runc, 1 is written, so
 * that both cgroup drivers agree (systemd cannot express 0, and for a cgroup with a process both mean the same).
 */

import type { Resources } from '../../config/config.ts'
import type { Write } from '../write.ts'

export function pidsWrites({ pids }: Resources): Write[] {
  if (pids.limit === undefined) return []
  return [{ file: 'pids.max', data: pidsMax(pids.limit), from: 'linux.resources.pids.limit' }]
}

function pidsMax(limit: bigint): string {
  if (limit < 0n) return 'max'
  return limit === 0n ? '1' : limit.toString()
}
