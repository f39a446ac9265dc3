/**
 * Statistics from the files of cgroup v1 (kernel Documentation/admin-guide/cgroup-v1/).
 */

import { parseCounters, parseList, parseNumber, parseNumbers, type Read } from './parse.ts'
import {
  type Blkio,
  type BlkioEntry,
  type BlkioList,
  type Cpu,
  type Cpuset,
  type Hugetlb,
  type Memory,
  type MemoryEntry,
  omitEmpty,
  omitZero,
  type Stats,
} from './shape.ts'

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture. */
const NANOSECONDS_PER_TICK = 10_000_000n

export function cpuStats(cpu: string, cpuacct: string | undefined, read: Read): Cpu {
  const stat = parseCounters(read(`${cpu}/cpu.stat`))
  const throttling = omitEmpty({
    periods: stat.get('nr_periods') ?? 0n,
    throttledPeriods: stat.get('nr_throttled') ?? 0n,
    throttledTime: stat.get('throttled_time') ?? 0n,
  })
  const usage = cpuacct === undefined ? undefined : cpuUsage(cpuacct, read)
  return { ...(usage && { usage }), ...(omitZero(throttling) && { throttling }) }
}

function cpuUsage(cpuacct: string, read: Read): NonNullable<Cpu['usage']> {
  const ticks = parseCounters(read(`${cpuacct}/cpuacct.stat`))
  const rows = (read(`${cpuacct}/cpuacct.usage_all`) ?? '').split('\n').slice(1).map(parseNumbers)
  const perCpu = rows.filter((row) => row.length >= 3)
  const { kernel, user, ...rest } = {
    total: parseNumber(read(`${cpuacct}/cpuacct.usage`)) ?? 0n,
    percpu: parseNumbers(read(`${cpuacct}/cpuacct.usage_percpu`)),
    percpu_kernel: perCpu.map((row) => row[2] ?? 0n),
    percpu_user: perCpu.map((row) => row[1] ?? 0n),
    kernel: (ticks.get('system') ?? 0n) * NANOSECONDS_PER_TICK,
    user: (ticks.get('user') ?? 0n) * NANOSECONDS_PER_TICK,
  }
  return { ...omitEmpty(rest), kernel, user }
}

export function cpusetStats(directory: string | undefined, read: Read): Cpuset {
  const text = (file: string) => (directory === undefined ? undefined : read(`${directory}/cpuset.${file}`))
  const number = (file: string) => parseNumber(text(file)) ?? 0n
  const cpus = parseList(text('cpus'))
  const mems = parseList(text('mems'))
  return {
    ...(cpus.length > 0 && { cpus }),
    cpu_exclusive: number('cpu_exclusive'),
    ...(mems.length > 0 && { mems }),
    mem_hardwall: number('mem_hardwall'),
    mem_exclusive: number('mem_exclusive'),
    memory_migrate: number('memory_migrate'),
    memory_spread_page: number('memory_spread_page'),
    memory_spread_slab: number('memory_spread_slab'),
    memory_pressure: number('memory_pressure'),
    sched_load_balance: number('sched_load_balance'),
    sched_relax_domain_level: number('sched_relax_domain_level'),
  }
}

export function memoryStats(directory: string, read: Read): Memory {
  const raw = Object.fromEntries(parseCounters(read(`${directory}/memory.stat`)))
  return compactMemory(raw.cache ?? 0n, raw, {
    usage: memoryEntry(`${directory}/memory`, read),
    swap: memoryEntry(`${directory}/memory.memsw`, read),
    kernel: memoryEntry(`${directory}/memory.kmem`, read),
    kernelTCP: memoryEntry(`${directory}/memory.kmem.tcp`, read),
  })
}

/** Omits entries that are all zero, and a cache of zero. */
export function compactMemory(
  cache: bigint,
  raw: { [counter: string]: bigint },
  entries: { readonly [name in 'usage' | 'swap' | 'kernel' | 'kernelTCP']?: MemoryEntry },
): Memory {
  const kept = Object.entries(entries).filter(([, entry]) => omitZero(entry) !== undefined)
  return {
    ...(cache !== 0n && { cache }),
    ...Object.fromEntries(kept),
    ...(Object.keys(raw).length > 0 && { raw }),
  }
}

function memoryEntry(prefix: string, read: Read): MemoryEntry {
  const number = (file: string) => parseNumber(read(`${prefix}.${file}`)) ?? 0n
  return {
    limit: number('limit_in_bytes'),
    ...omitEmpty({ usage: number('usage_in_bytes'), max: number('max_usage_in_bytes') }),
    failcnt: number('failcnt'),
  }
}

export function pidsStats(directory: string, read: Read): Stats['pids'] {
  const max = read(`${directory}/pids.max`)?.trim()
  const limit = max === 'max' ? 0n : (parseNumber(max) ?? 0n) // no limit is 0, for historical reasons
  return omitEmpty({ current: parseNumber(read(`${directory}/pids.current`)) ?? 0n, limit })
}

export function hugetlbStats(
  directory: string,
  pageSizes: readonly string[],
  read: Read,
): { [pageSize: string]: Hugetlb } {
  const stats: { [pageSize: string]: Hugetlb } = {}
  for (const pageSize of pageSizes) {
    // Reserved pages are counted since Linux 5.7 and include the used ones.
    const files = [`hugetlb.${pageSize}.rsvd`, `hugetlb.${pageSize}`].map((name) => `${directory}/${name}`)
    const prefix = files.find((file) => read(`${file}.usage_in_bytes`) !== undefined)
    if (prefix === undefined) continue
    const number = (file: string) => parseNumber(read(`${prefix}.${file}`)) ?? 0n
    stats[pageSize] = {
      ...omitEmpty({ usage: number('usage_in_bytes'), max: number('max_usage_in_bytes') }),
      failcnt: number('failcnt'),
    }
  }
  return stats
}

/** The files for each list: uses the first group whose first file has entries. */
const BLKIO_GROUPS: readonly (readonly (readonly [BlkioList, string])[])[] = [
  [
    ['sectorsRecursive', 'blkio.bfq.sectors_recursive'],
    ['ioServiceTimeRecursive', 'blkio.bfq.io_service_time_recursive'],
    ['ioWaitTimeRecursive', 'blkio.bfq.io_wait_time_recursive'],
    ['ioMergedRecursive', 'blkio.bfq.io_merged_recursive'],
    ['ioQueueRecursive', 'blkio.bfq.io_queued_recursive'],
    ['ioTimeRecursive', 'blkio.bfq.time_recursive'],
    ['ioServicedRecursive', 'blkio.bfq.io_serviced_recursive'],
    ['ioServiceBytesRecursive', 'blkio.bfq.io_service_bytes_recursive'],
  ],
  [
    ['ioServicedRecursive', 'blkio.bfq.io_serviced_recursive'],
    ['ioServiceBytesRecursive', 'blkio.bfq.io_service_bytes_recursive'],
  ],
  [
    ['ioServicedRecursive', 'blkio.throttle.io_serviced_recursive'],
    ['ioServiceBytesRecursive', 'blkio.throttle.io_service_bytes_recursive'],
  ],
  [
    ['ioServicedRecursive', 'blkio.throttle.io_serviced'],
    ['ioServiceBytesRecursive', 'blkio.throttle.io_service_bytes'],
  ],
]

export function blkioStats(directory: string, read: Read): Blkio {
  for (const group of BLKIO_GROUPS) {
    const lists = group.map(([list, file]) => [list, blkioEntries(read(`${directory}/${file}`))] as const)
    if (lists[0]?.[1].length) return Object.fromEntries(lists.filter(([, entries]) => entries.length > 0))
  }
  return {}
}

/** Lines `8:0 Read 1282048` or `8:0 6792`; lines of a total have no device. */
function blkioEntries(text: string | undefined): BlkioEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [device = '', ...words] = line.split(' ')
    const [major, minor] = device.split(':').map(parseNumber)
    const value = parseNumber(words.at(-1))
    if (major === undefined || minor === undefined || value === undefined) return []
    return [omitEmpty({ major, minor, op: words.length > 1 ? (words[0] ?? '') : '', value })]
  })
}
