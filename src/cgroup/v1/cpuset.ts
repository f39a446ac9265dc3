/**
 * The cpuset controller (config-linux.md, CPU; cpuset(7)), for v1 and v2. Writes what the config sets. On v1 a new cpuset
 * starts with its parent's CPUs and memory nodes: ../hierarchy-part.ts and state/fill-cpusets.ts do that.
 */

import type { Resources } from '../../config/config.ts'
import type { Write } from '../write.ts'

export function cpusetWrites({ cpu }: Resources): Write[] {
  const writes: Write[] = []
  if (cpu.cpus) writes.push({ file: 'cpuset.cpus', data: cpu.cpus, from: 'linux.resources.cpu.cpus' })
  if (cpu.mems) writes.push({ file: 'cpuset.mems', data: cpu.mems, from: 'linux.resources.cpu.mems' })
  return writes
}
