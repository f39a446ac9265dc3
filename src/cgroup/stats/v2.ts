/**
 * Statistics from the files of cgroup v2 (kernel Documentation/admin-guide/cgroup-v2.rst), converted to v1's terms as
 * in runc's JSON: microseconds become nanoseconds, swap includes memory.
 */

import { parseCounters, parseNumber, parsePressure, type Read, UNLIMITED } from './parse.ts'
import {
  BLKIO_LISTS,
  type Blkio,
  type BlkioEntry,
  type BlkioList,
  type Cpu,
  type Hugetlb,
  type Memory,
  type MemoryEntry,
  omitEmpty,
  omitZero,
  type Stats,
} from './shape.ts'
import { compactMemory, pidsStats } from './v1.ts'

export function cpuStats2(directory: string, read: Read): Cpu {
  const stat = parseCounters(read(`${directory}/cpu.stat`))
  const nanoseconds = (counter: string) => (stat.get(counter) ?? 0n) * 1000n
  const throttling = omitEmpty({
    periods: stat.get('nr_periods') ?? 0n,
    throttledPeriods: stat.get('nr_throttled') ?? 0n,
    throttledTime: nanoseconds('throttled_usec'),
  })
  const usage = {
    ...omitEmpty({ total: nanoseconds('usage_usec') }),
    kernel: nanoseconds('system_usec'),
    user: nanoseconds('user_usec'),
  }
  const psi = parsePressure(read(`${directory}/cpu.pressure`))
  return { ...(omitZero(usage) && { usage }), ...(omitZero(throttling) && { throttling }), ...(psi && { psi }) }
}

export function memoryStats2(directory: string, read: Read): Memory {
  const raw = Object.fromEntries(parseCounters(read(`${directory}/memory.stat`)))
  const usage = memoryEntry(`${directory}/memory`, read)
  const swap = memoryEntry(`${directory}/memory.swap`, read)
  const both: MemoryEntry = {
    limit: swap.limit === UNLIMITED ? UNLIMITED : swap.limit + usage.limit,
    ...omitEmpty({ usage: (swap.usage ?? 0n) + (usage.usage ?? 0n) }),
    failcnt: 0n,
  }
  const psi = parsePressure(read(`${directory}/memory.pressure`))
  return { ...compactMemory(raw.file ?? 0n, raw, { usage, swap: both }), ...(psi && { psi }) }
}

function memoryEntry(prefix: string, read: Read): MemoryEntry {
  const number = (file: string) => parseNumber(read(`${prefix}.${file}`)) ?? 0n
  return { limit: number('max'), ...omitEmpty({ usage: number('current'), max: number('peak') }), failcnt: 0n }
}

/** Counts the processes if there is no pids controller. */
export function pidsStats2(directory: string, read: Read): Stats['pids'] {
  if (read(`${directory}/pids.current`) !== undefined) return pidsStats(directory, read)
  const listed = read(`${directory}/cgroup.procs`) ?? read(`${directory}/cgroup.threads`) ?? ''
  return omitEmpty({ current: BigInt(listed.split('\n').filter((line) => line !== '').length) })
}

/** Keys of io.stat: the list and the operation for each. */
const IO_KEYS: ReadonlyMap<string, readonly [BlkioList, string]> = new Map([
  ['rbytes', ['ioServiceBytesRecursive', 'Read']],
  ['wbytes', ['ioServiceBytesRecursive', 'Write']],
  ['rios', ['ioServicedRecursive', 'Read']],
  ['wios', ['ioServicedRecursive', 'Write']],
])

export function ioStats(directory: string, read: Read): Blkio {
  const lists = new Map<BlkioList, BlkioEntry[]>()
  for (const line of (read(`${directory}/io.stat`) ?? '').split('\n')) {
    const [device = '', ...fields] = line.split(' ')
    const [major, minor] = device.split(':').map(parseNumber)
    if (major === undefined || minor === undefined) continue
    for (const field of fields) {
      const [key = '', text] = field.split('=')
      const [list, op] = IO_KEYS.get(key) ?? []
      const value = parseNumber(text)
      if (list === undefined || op === undefined || value === undefined) continue
      lists.set(list, [...(lists.get(list) ?? []), omitEmpty({ major, minor, op, value })])
    }
  }
  const psi = parsePressure(read(`${directory}/io.pressure`))
  const ordered = BLKIO_LISTS.flatMap((list) => (lists.has(list) ? [[list, lists.get(list)] as const] : []))
  return { ...Object.fromEntries(ordered), ...(psi && { psi }) }
}

export function hugetlbStats2(
  directory: string,
  pageSizes: readonly string[],
  read: Read,
): { [pageSize: string]: Hugetlb } {
  const stats: { [pageSize: string]: Hugetlb } = {}
  for (const pageSize of pageSizes) {
    const prefix = `${directory}/hugetlb.${pageSize}`
    const usage = parseNumber(read(`${prefix}.rsvd.current`) ?? read(`${prefix}.current`))
    if (usage === undefined) continue
    const failcnt = parseCounters(read(`${prefix}.events`)).get('max') ?? 0n
    stats[pageSize] = { ...omitEmpty({ usage }), failcnt }
  }
  return stats
}
