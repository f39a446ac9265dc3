/**
 * cgroup v2 cpu and cpuset controllers (config-linux.md, CPU; kernel Documentation/admin-guide/cgroup-v2.rst, CPU). There is
 * no real-time group scheduling on v2.
 */

import type { CpuResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { EINVAL, ENOENT } from '../../steps/constants.ts'
import type { Purpose, Write } from '../write.ts'
import { sharesToWeight } from './conversions.ts'

const SECTION = 'linux.resources.cpu'
/** cpu.max's own default, in microseconds. */
const DEFAULT_PERIOD = 100000n

export function cpuWrites({ cpu }: Resources, purpose: Purpose, problems: Problem[]): Write[] {
  for (const property of ['realtimePeriod', 'realtimeRuntime'] as const) {
    if (!cpu[property]) continue
    problems.push({ path: `${SECTION}.${property}`, message: 'cgroup v2 has no real-time group scheduling' })
  }
  return [
    // Idle groups refuse a weight: leave idle before, enter it after.
    ...(cpu.idle === 0n ? [idleWrite(cpu.idle)] : []),
    ...weightWrites(cpu),
    ...bandwidthWrites(cpu, purpose),
    ...(cpu.idle ? [idleWrite(cpu.idle)] : []),
  ]
}

function weightWrites({ shares }: CpuResources): Write[] {
  if (!shares) return []
  return [{ file: 'cpu.weight', data: `${sharesToWeight(shares)}`, from: `${SECTION}.shares` }]
}

function bandwidthWrites(cpu: CpuResources, purpose: Purpose): Write[] {
  const max = maxWrites(cpu)
  // Kernels before 5.14 have no burst; runc ignores that on v1, and runt on both.
  const burst = cpu.burst === undefined ? [] : [burstWrite(cpu.burst)]
  if (purpose === 'create' || max.length === 0) return [...max, ...burst]
  // The kernel may refuse the old quota with the new burst, and the new quota with the old burst.
  return [...burst.map((first) => ({ ...first, tolerate: [EINVAL, ENOENT] })), ...max, ...burst]
}

function maxWrites({ quota, period }: CpuResources): Write[] {
  if (!quota && !period) return []
  const data = `${quota && quota > 0n ? quota : 'max'} ${period || DEFAULT_PERIOD}`
  return [{ file: 'cpu.max', data, from: `${SECTION}.${quota ? 'quota' : 'period'}` }]
}

function burstWrite(burst: bigint): Write {
  return { file: 'cpu.max.burst', data: burst.toString(), from: `${SECTION}.burst`, tolerate: [ENOENT] }
}

function idleWrite(idle: bigint): Write {
  return { file: 'cpu.idle', data: idle.toString(), from: `${SECTION}.idle` }
}
