/**
 * Assigns each part of `linux.resources` to its controller, on v1 and on v2, and reports parts that neither supports.
 * Device rules are separate: on v1 a controller, on v2 a program.
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
  /** Whether anything needs to be planned: most containers set little, and the other rows are skipped. */
  readonly isSet: (resources: Resources) => boolean
  readonly v1: Side
  /** Absent: v2 has no such controller. */
  readonly v2?: Side
}

const CONTROLLERS: readonly Row[] = [
  {
    // The two flags are always present.
    isSet: ({ memory }) => memory.disableOOMKiller || Object.keys(memory).length > 2,
    v1: { controller: 'memory', writes: memoryWrites },
    v2: { controller: 'memory', writes: memoryWrites2 },
  },
  {
    isSet: ({ pids }) => pids.limit !== undefined,
    v1: { controller: 'pids', writes: pidsWrites },
    v2: { controller: 'pids', writes: pidsWrites },
  },
  {
    isSet: ({ cpu }) => !isEmpty(cpu),
    v1: { controller: 'cpu', writes: cpuWrites },
    v2: { controller: 'cpu', writes: cpuWrites2 },
  },
  {
    isSet: ({ cpu }) => cpu.cpus !== undefined || cpu.mems !== undefined,
    v1: { controller: 'cpuset', writes: cpusetWrites },
    v2: { controller: 'cpuset', writes: cpusetWrites },
  },
  {
    isSet: ({ blockIO }) => Object.values(blockIO).some((value) => typeof value === 'number' || value.length > 0),
    v1: { controller: 'blkio', writes: blkioWrites },
    v2: { controller: 'io', writes: ioWrites },
  },
  {
    isSet: ({ hugepageLimits }) => hugepageLimits.length > 0,
    v1: { controller: 'hugetlb', writes: hugetlbWrites },
    v2: { controller: 'hugetlb', writes: hugetlbWrites2 },
  },
  {
    isSet: ({ rdma }) => !isEmpty(rdma),
    v1: { controller: 'rdma', writes: rdmaWrites },
    v2: { controller: 'rdma', writes: rdmaWrites },
  },
  { isSet: ({ network }) => network.classID !== undefined, v1: { controller: 'net_cls', writes: netClsWrites } },
  { isSet: ({ network }) => network.priorities.length > 0, v1: { controller: 'net_prio', writes: netPrioWrites } },
]

/** The writes for one hierarchy, and the controllers they need. */
export interface Share {
  readonly controllers: string[]
  writes: readonly Write[]
}

export type Shares = Map<Hierarchy, Share>

/** The writes for `resources` on this host, by hierarchy. */
export function resourceWrites(resources: Resources, host: CgroupHost, purpose: Purpose, problems: Problem[]): Shares {
  const shares: Shares = new Map()
  for (const row of CONTROLLERS) {
    if (!row.isSet(resources)) continue
    const side = sideOf(row, host)
    const writes = side.writes(resources, purpose, problems)
    const hierarchy = findHierarchy(host, side.controller)
    if (hierarchy !== undefined) addShare(shares, hierarchy, side.controller, writes)
    else problems.push(...missing(side.controller, host, writes))
  }
  if (!isEmpty(resources.unified)) addUnifiedFiles(shares, resources, host, problems)
  return shares
}

/** Adds the writes of one controller. */
export function addShare(shares: Shares, hierarchy: Hierarchy, controller: string, writes: readonly Write[]): void {
  if (writes.length === 0) return
  const share = shares.get(hierarchy)
  if (share === undefined) {
    shares.set(hierarchy, { controllers: [controller], writes })
  } else {
    share.controllers.push(controller)
    share.writes = [...share.writes, ...writes]
  }
}

/** Last, so that they override. The files need no controller beyond those that are already enabled. */
function addUnifiedFiles(shares: Shares, resources: Resources, host: CgroupHost, problems: Problem[]): void {
  const hierarchy = unifiedHierarchy(host)
  if (host.mode === 'v2' && hierarchy !== undefined) {
    addShare(shares, hierarchy, 'unified', unifiedWrites(resources, hierarchy.controllers, problems))
  } else {
    const message = 'invalid configuration: cannot use unified on cgroup v1'
    problems.push({ path: 'linux.resources.unified', message })
  }
}

/**
 * v1's side if that controller is mounted, else v2's if the v2 hierarchy has it, else that of the host's main version.
 */
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

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0
}

function hugetlbWrites2(resources: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  return pageLimitWrites(resources, 'max', problems)
}
