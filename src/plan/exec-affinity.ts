// process.execCPUAffinity (config.md, "Linux Process"): the CPUs of `exec`.

import type { CpuAffinity } from '../config/config.ts'
import { parseIdList } from '../config/id-list.ts'
import type { Step } from '../steps/launch-plan.ts'
import { allCpus } from './process-steps.ts'

/**
 * execCPUAffinity: sets `initial` before the process enters the cgroup, `final` afterwards. Without either the process may use all CPUs
 * of its cpuset, whatever the caller's affinity.
 */
export function affinitySteps(when: 'initial' | 'final', affinity: CpuAffinity): Step[] {
  const list = affinity[when]
  if (list !== undefined) {
    const from = `process.execCPUAffinity.${when}`
    return [{ op: 'sched_setaffinity', from, mask: maskOf(parseIdList(list) ?? []) }]
  }
  if (when === 'initial' || affinity.initial !== undefined) return []
  return [allCpus('process.execCPUAffinity')]
}

/** A CPU set in whole 64-bit words, as the kernel requires. */
function maskOf(ids: readonly number[]): Uint8Array {
  const words = Math.floor(Math.max(0, ...ids) / 64) + 1
  const mask = new Uint8Array(words * 8)
  for (const id of ids) mask[id >> 3] = (mask[id >> 3] ?? 0) | (1 << (id & 7))
  return mask
}
