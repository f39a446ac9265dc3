/**
 * cgroup v1 cpu controller (config-linux.md, CPU; kernel Documentation/scheduler/sched-bwc.rst and sched-rt-group.rst).
 * Orders period, quota and burst, which constrain each other and the parent's. 0 means "not set", as in
 * runc. cpuset.ts handles cpus and mems.
 */

import type { CpuResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { EINVAL, ENOENT } from '../../steps/constants.ts'
import type { Purpose, Write } from '../write.ts'

const SECTION = 'linux.resources.cpu'

// The kernel clamps silently (MIN_SHARES, MAX_SHARES); runc reads the value back and refuses.
const MIN_SHARES = 2n
const MAX_SHARES = 262144n

export function cpuWrites({ cpu }: Resources, purpose: Purpose, problems: Problem[]): Write[] {
  return [
    // Idle groups refuse shares: leave idle before, enter it after.
    ...(cpu.idle === 0n ? [write('cpu.idle', 0n, 'idle')] : []),
    ...sharesWrites(cpu, problems),
    ...bandwidthWrites(cpu, purpose),
    ...(cpu.idle !== undefined && cpu.idle !== 0n ? [write('cpu.idle', cpu.idle, 'idle')] : []),
    ...realtimeWrites(cpu, purpose),
  ]
}

function sharesWrites({ shares }: CpuResources, problems: Problem[]): Write[] {
  if (!isSet(shares)) return []
  if (shares >= MIN_SHARES && shares <= MAX_SHARES) return [write('cpu.shares', shares, 'shares')]
  const bound =
    shares < MIN_SHARES ? `minimum allowed cpu-shares is ${MIN_SHARES}` : `maximum allowed cpu-shares is ${MAX_SHARES}`
  problems.push({ path: `${SECTION}.shares`, message: `${shares}: the ${bound}` })
  return []
}

function bandwidthWrites(cpu: CpuResources, purpose: Purpose): Write[] {
  const period = isSet(cpu.period) ? [write('cpu.cfs_period_us', cpu.period, 'period')] : []
  const quota = isSet(cpu.quota) ? [write('cpu.cfs_quota_us', cpu.quota, 'quota')] : []
  // Kernels before 5.14 have no burst; runc ignores that.
  const burst =
    cpu.burst === undefined ? [] : [{ ...write('cpu.cfs_burst_us', cpu.burst, 'burst'), tolerate: [ENOENT] }]
  if (purpose === 'create' || quota.length === 0) return [...period, ...quota, ...burst]
  // The old quota with the new period or burst may exceed the parent's: then both are only accepted after the new
  // quota.
  const tried = [...period, ...burst].map((first) => ({ ...first, tolerate: [EINVAL, ENOENT] }))
  return [...tried, ...quota, ...period, ...burst]
}

/** Written before the join, because a real-time process needs it to join. */
function realtimeWrites(cpu: CpuResources, purpose: Purpose): Write[] {
  const period = isSet(cpu.realtimePeriod) ? [write('cpu.rt_period_us', cpu.realtimePeriod, 'realtimePeriod')] : []
  const runtime = isSet(cpu.realtimeRuntime) ? [write('cpu.rt_runtime_us', cpu.realtimeRuntime, 'realtimeRuntime')] : []
  if (purpose === 'create' || runtime.length === 0) return [...period, ...runtime]
  return [...period.map((first) => ({ ...first, tolerate: [EINVAL] })), ...runtime, ...period]
}

function isSet(value: bigint | undefined): value is bigint {
  return value !== undefined && value !== 0n
}

function write(file: string, value: bigint, property: string): Write {
  return { file, data: value.toString(), from: `${SECTION}.${property}` }
}
