/**
 * Which controller serves which part of `linux.resources`, on v1 and on v2, and what is a problem because neither has it.
 * Device rules are apart: on v1 a controller, on v2 a program.
 */

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'
import { type CgroupHost, findHierarchy, type Hierarchy, unifiedHierarchy } from './hierarchies.ts'
import { blkioWrites } from './v1/blkio.ts'
import { cpuWrites } from './v1/cpu.ts'
import { cpusetWrites } from './v1/cpuset.ts'
import { hugetlbWrites, pageLimitWrites } from './v1/hugetlb.ts'
import { memoryWrites } from './v1/memory.ts'
import { netClsWrites, netPrioWrites } from './v1/net.ts'
import { pidsWrites } from './v1/pids.ts'
import { rdmaWrites } from './v1/rdma.ts'
import { cpuWrites as cpuWrites2 } from './v2/cpu.ts'
import { ioWrites } from './v2/io.ts'
import { memoryWrites as memoryWrites2 } from './v2/memory.ts'
import { unifiedWrites } from './v2/unified.ts'
import type { ControllerWrites, Purpose, Write } from './write.ts'

interface Side {
  readonly controller: string
  readonly writes: ControllerWrites
}

interface Row {
  readonly v1: Side
  /** Absent: v2 has no such controller. */
  readonly v2?: Side
}

const CONTROLLERS: readonly Row[] = [
  { v1: { controller: 'memory', writes: memoryWrites }, v2: { controller: 'memory', writes: memoryWrites2 } },
  { v1: { controller: 'pids', writes: pidsWrites }, v2: { controller: 'pids', writes: pidsWrites } },
  { v1: { controller: 'cpu', writes: cpuWrites }, v2: { controller: 'cpu', writes: cpuWrites2 } },
  { v1: { controller: 'cpuset', writes: cpusetWrites }, v2: { controller: 'cpuset', writes: cpusetWrites } },
  { v1: { controller: 'blkio', writes: blkioWrites }, v2: { controller: 'io', writes: ioWrites } },
  { v1: { controller: 'hugetlb', writes: hugetlbWrites }, v2: { controller: 'hugetlb', writes: hugetlbWrites2 } },
  { v1: { controller: 'rdma', writes: rdmaWrites }, v2: { controller: 'rdma', writes: rdmaWrites } },
  { v1: { controller: 'net_cls', writes: netClsWrites } },
  { v1: { controller: 'net_prio', writes: netPrioWrites } },
]

/** The writes that one hierarchy is to get, and the v2 controllers that they need. */
export interface HierarchyWrites {
  readonly hierarchy: Hierarchy
  readonly controllers: readonly string[]
  readonly writes: readonly Write[]
}

/** What `resources` come to on this host, one entry for each hierarchy that gets anything, in the host's order. */
export function resourceWrites(
  resources: Resources,
  host: CgroupHost,
  purpose: Purpose,
  problems: Problem[],
): HierarchyWrites[] {
  const found = new Map<Hierarchy, { controllers: string[]; writes: Write[] }>()
  const add = (hierarchy: Hierarchy, controller: string, writes: readonly Write[]) => {
    if (writes.length === 0) return
    const entry = found.get(hierarchy) ?? { controllers: [], writes: [] }
    entry.controllers.push(controller)
    entry.writes.push(...writes)
    found.set(hierarchy, entry)
  }
  for (const row of CONTROLLERS) {
    const side = sideOf(row, host)
    const writes = side.writes(resources, purpose, problems)
    const hierarchy = findHierarchy(host, side.controller)
    if (hierarchy !== undefined) add(hierarchy, side.controller, writes)
    else problems.push(...missing(side.controller, host, writes))
  }
  const unified = unifiedHierarchy(host)
  if (host.mode === 'v2' && unified !== undefined) {
    add(unified, 'cgroup', unifiedWrites(resources, unified.controllers, problems))
  } else if (Object.keys(resources.unified).length > 0) {
    problems.push({
      path: 'linux.resources.unified',
      message: 'invalid configuration: cannot use unified on cgroup v1',
    })
  }
  return host.hierarchies.flatMap((hierarchy) => {
    const entry = found.get(hierarchy)
    return entry === undefined ? [] : [{ hierarchy, ...entry }]
  })
}

/** v1's side where that controller is mounted, else v2's where the v2 tree has it, else that of the host's main version. */
function sideOf(row: Row, host: CgroupHost): Side {
  if (row.v2 === undefined) return row.v1
  if (findHierarchy(host, row.v1.controller)?.version === 1) return row.v1
  return host.mode === 'v2' || findHierarchy(host, row.v2.controller) !== undefined ? row.v2 : row.v1
}

function missing(controller: string, host: CgroupHost, writes: readonly Write[]): Problem[] {
  const version = host.mode === 'v2' ? 'v2' : 'v1'
  const message = `the ${controller} controller is not available on this host (cgroup ${version})`
  const properties = new Set(writes.map((write) => write.from))
  return [...properties].map((path) => ({ path, message }))
}

function hugetlbWrites2(resources: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  return pageLimitWrites(resources, 'max', problems)
}
