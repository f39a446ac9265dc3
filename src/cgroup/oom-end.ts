// What a memory cgroup says after a process in it was killed: whether by the OOM killer, and by which limit (kernel
// Documentation/admin-guide/cgroup-v1/memory.rst; cgroup-v2.rst, memory.events). Interprets texts; the caller reads them.

import { oomKills } from './oom.ts'
import { parseCounters, parseNumber } from './stats/parse.ts'

/** v1 prints the largest page count, for no limit. */
const UNLIMITED = 1n << 62n

/** Reads a file of a cgroup; undefined if it is not there. */
type Read = (path: string) => string | undefined

export interface OomEnd {
  readonly kills: bigint
  /** The container's own limit, if it was reached; undefined: a limit of a cgroup above, or the machine's memory. */
  readonly limit: bigint | undefined
}

/** undefined: no process was killed by the OOM killer, or the files do not tell. */
export function oomEnd(paths: { readonly [controller: string]: string }, read: Read): OomEnd | undefined {
  const { memory, '': unified } = paths
  if (memory !== undefined)
    return ended(oomKills(read(`${memory}/memory.oom_control`) ?? ''), legacyLimit(memory, read))
  return unified === undefined
    ? undefined
    : ended(oomKills(read(`${unified}/memory.events`) ?? ''), unifiedLimit(unified, read))
}

const ended = (kills: bigint, limit: bigint | undefined): OomEnd | undefined =>
  kills === 0n ? undefined : { kills, limit }

/** Newer kernels do not count in memory.failcnt, but the largest use was the limit then, less what is charged at once. */
const AT_ONCE = 64n * 4096n

function legacyLimit(directory: string, read: Read): bigint | undefined {
  const number = (file: string): bigint => parseNumber(read(`${directory}/${file}`)) ?? 0n
  const limit = number('memory.limit_in_bytes')
  if (limit === 0n || limit >= UNLIMITED) return undefined
  const isReached = ['memory', 'memory.memsw'].some((prefix) => {
    const most = number(`${prefix}.limit_in_bytes`)
    return number(`${prefix}.failcnt`) > 0n || (most > 0n && number(`${prefix}.max_usage_in_bytes`) + AT_ONCE >= most)
  })
  return isReached ? limit : undefined
}

/** The counter `oom`: how often this cgroup was out of memory, by its own limit or one below. */
function unifiedLimit(directory: string, read: Read): bigint | undefined {
  const limit = parseNumber(read(`${directory}/memory.max`))
  const reached = (parseCounters(read(`${directory}/memory.events`)).get('oom') ?? 0n) > 0n
  return limit !== undefined && limit < UNLIMITED && reached ? limit : undefined
}

/** `out of memory: linux.resources.memory.limit is 8 MiB (1 OOM kill)`. */
export function describeOom({ kills, limit }: OomEnd): string {
  const cause =
    limit === undefined
      ? 'a cgroup above the container, or the host, had none left'
      : `linux.resources.memory.limit is ${sizeText(limit)}`
  return `out of memory: ${cause} (${kills} OOM kill${kills === 1n ? '' : 's'})`
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** In the largest unit in which it is a whole number: `8 MiB`, `1536 MiB`. */
export function sizeText(bytes: bigint): string {
  let unit = 0
  let rest = bytes
  while (unit < units.length - 1 && rest >= 1024n && rest % 1024n === 0n) {
    rest /= 1024n
    unit++
  }
  return `${rest} ${units[unit]}`
}
