/**
 * cgroup v1 cpuset controller (config-linux.md, CPU; cpuset(7)). Writes what the config sets; plan-cgroup.ts, which
 * creates the directories, makes a new cpuset start with its parent's CPUs and memory nodes.
 */

import type { Resources } from '../../config/config.ts'
import type { Write } from '../write.ts'

export function cpusetWrites({ cpu }: Resources): Write[] {
  const writes: Write[] = []
  if (cpu.cpus) writes.push({ file: 'cpuset.cpus', data: cpu.cpus, from: 'linux.resources.cpu.cpus' })
  if (cpu.mems) writes.push({ file: 'cpuset.mems', data: cpu.mems, from: 'linux.resources.cpu.mems' })
  return writes
}
