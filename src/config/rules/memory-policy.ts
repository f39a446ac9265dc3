/** config-linux.md "Memory policy": which modes take nodes and flags, by set_mempolicy(2). */

import type { Config, MemoryPolicy } from '../config.ts'
import { parseIdList } from '../id-list.ts'
import { quote, type Report } from '../rule.ts'

export function checkMemoryPolicy({ linux: { memoryPolicy } }: Config, report: Report): void {
  if (memoryPolicy === undefined) return
  const path = 'linux.memoryPolicy'
  checkNodes(memoryPolicy, path, report)
  const { mode, flags } = memoryPolicy
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    report(`${path}.flags`, 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other')
  }
  if (flags.includes('MPOL_F_NUMA_BALANCING') && mode !== 'MPOL_BIND' && mode !== 'MPOL_PREFERRED_MANY') {
    report(`${path}.flags`, `MPOL_F_NUMA_BALANCING does not go with ${mode}`)
  }
}

function checkNodes({ mode, nodes = '', flags }: MemoryPolicy, path: string, report: Report): void {
  const ids = parseIdList(nodes)
  if (ids === undefined) {
    report(`${path}.nodes`, `must be a list of memory nodes such as 0-3,7, not ${quote(nodes)}`)
    return
  }
  const takesNone = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL'
  if (takesNone && ids.length > 0)
    report(`${path}.nodes`, `must be empty for ${mode}: this mode requires 0 nodes but got ${ids.length}`)
  if (takesNone && flags.length > 0) report(`${path}.flags`, `must be empty for ${mode}`)
  if (!takesNone && mode !== 'MPOL_PREFERRED' && ids.length === 0) report(`${path}.nodes`, `is required for ${mode}`)
}
