// linux.memoryPolicy (config-linux.md "Memory policy"): one set_mempolicy(2), which execve(2) preserves.
// config/rules/memory-policy.ts checks the combinations.

import type { MemoryPolicyFlag, MemoryPolicyMode } from '../config/config.ts'
import { parseIdList } from '../config/id-list.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { ProcessContext } from './context.ts'

/** linux/mempolicy.h; `features` lists the keys of both tables. */
export const memoryPolicyModes: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
}
export const memoryPolicyFlags: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
}

export function memoryPolicySteps({ linux: { memoryPolicy } }: ProcessContext): Step[] {
  if (memoryPolicy === undefined) return []
  const { mode, flags, nodes = '' } = memoryPolicy
  return [
    {
      op: 'set_mempolicy',
      from: 'linux.memoryPolicy',
      mode: flags.reduce((all, flag) => all | memoryPolicyFlags[flag], memoryPolicyModes[mode]),
      nodes: idMask(parseIdList(nodes) ?? []),
    },
  ]
}

/** One bit for each number, little endian. */
function idMask(ids: readonly number[]): Uint8Array {
  const highest = ids.reduce((a, b) => Math.max(a, b), -1)
  const mask = new Uint8Array((highest + 8) >>> 3)
  for (const id of ids) mask[id >>> 3] = (mask[id >>> 3] ?? 0) | (1 << (id & 7))
  return mask
}
