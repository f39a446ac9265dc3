/**
 * The `data` of a `stats` event, with runc's member names (its package types), which engines decode. Counters are 64
 * bits wide, hence bigint. Members marked `?` are omitted where runc's encoder omits zero values.
 */

export interface Stats {
  cpu: Cpu
  cpuset: Cpuset
  memory: Memory
  pids: { current?: bigint; limit?: bigint }
  blkio: Blkio
  hugetlb: { [pageSize: string]: Hugetlb }
  intel_rdt: object
  network_interfaces: readonly object[] | null
}

export interface Cpu {
  usage?: {
    total?: bigint
    percpu?: readonly bigint[]
    percpu_kernel?: readonly bigint[]
    percpu_user?: readonly bigint[]
    kernel: bigint
    user: bigint
  }
  throttling?: { periods?: bigint; throttledPeriods?: bigint; throttledTime?: bigint }
  psi?: Pressure
}

export interface Cpuset {
  cpus?: readonly number[]
  cpu_exclusive: bigint
  mems?: readonly number[]
  mem_hardwall: bigint
  mem_exclusive: bigint
  memory_migrate: bigint
  memory_spread_page: bigint
  memory_spread_slab: bigint
  memory_pressure: bigint
  sched_load_balance: bigint
  sched_relax_domain_level: bigint
}

export interface MemoryEntry {
  limit: bigint
  usage?: bigint
  max?: bigint
  failcnt: bigint
}

export interface Memory {
  cache?: bigint
  usage?: MemoryEntry
  swap?: MemoryEntry
  kernel?: MemoryEntry
  kernelTCP?: MemoryEntry
  raw?: { [counter: string]: bigint }
  psi?: Pressure
}

export interface BlkioEntry {
  major?: bigint
  minor?: bigint
  op?: string
  value?: bigint
}

/** Lists in the order of runc's output. */
export const BLKIO_LISTS = [
  'ioServiceBytesRecursive',
  'ioServicedRecursive',
  'ioQueueRecursive',
  'ioServiceTimeRecursive',
  'ioWaitTimeRecursive',
  'ioMergedRecursive',
  'ioTimeRecursive',
  'sectorsRecursive',
] as const
export type BlkioList = (typeof BLKIO_LISTS)[number]
export type Blkio = { [list in BlkioList]?: readonly BlkioEntry[] } & { psi?: Pressure }

export interface Hugetlb {
  usage?: bigint
  max?: bigint
  failcnt: bigint
}

export interface Pressure {
  some: PressureLine
  full: PressureLine
}

export interface PressureLine {
  avg10: number
  avg60: number
  avg300: number
  total: bigint
}

/** The object without members that Go's `omitempty` omits: zero, empty, absent. */
export function omitEmpty<T extends object>(object: T): T {
  const kept = Object.entries(object).filter(([, value]) => !isEmpty(value))
  return Object.fromEntries(kept) as T
}

/** The same object, or undefined if everything in it is zero (`omitzero`). */
export function omitZero<T extends object>(object: T): T | undefined {
  return Object.values(object).every(isEmpty) ? undefined : object
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return value === undefined || value === 0n || value === 0 || value === ''
}
