// events (runc-events(8)): prints what happens in a container, one JSON object a line: statistics at intervals, and
// each out-of-memory event. Ends with the container's process.

import { oomKills, oomWatch } from '../cgroup/oom.ts'
import { pageSizesOf, readStats } from '../cgroup/stats/stats.ts'
import { type Run, STDOUT } from '../cli/context.ts'
import { parseDuration } from '../cli/duration.ts'
import { stringify } from '../config/json.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { loadContainer } from '../state/load-container.ts'
import { readSetting } from '../state/read-setting.ts'
import { type ContainerRecord, requireCgroups } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'

/** The maximum timeout of poll(2). */
const LONGEST = 0x7fff_ffff
const HUGE_PAGES = '/sys/kernel/mm/hugepages'

export const events: Run<'events'> = ({ native, globals }, flags, [id = '']) => {
  const interval = readInterval(flags.interval)
  const { directory, record } = loadContainer(native, stateRoot(native, globals.root).path, id)
  const status = containerStatus(native, directory, record)
  if (status === 'stopped' || status === 'creating') {
    throw new RuntError('state', `container with id ${id} is not running`)
  }
  if (flags.stats) printStats(native, record)
  else follow(native, record, interval)
  return 0
}

/** Milliseconds, at least one. */
function readInterval(text: string | undefined): number {
  const interval = parseDuration(text ?? '')
  if (interval === undefined)
    throw new RuntError('usage', `--interval: "${text}" is not a duration such as 5s or 100ms`)
  if (interval <= 0) throw new RuntError('usage', '--interval: duration interval must be greater than 0')
  return Math.min(Math.max(1, Math.round(interval)), LONGEST)
}

/** Without cgroups there is nothing to wait for; the statistics are empty then, as runc's. */
function follow(native: Native, record: ContainerRecord, interval: number): void {
  requireCgroups(record)
  const oom = openOomWatch(native, record)
  for (let next = native.uptime() + interval; ; ) {
    const left = Math.max(0, next - native.uptime())
    const end = native.waitForEvent(oom.watch, record.pid, record.startTime, left)
    if (end === 'event' && oom.hasHappened()) printLine(native, { type: 'oom', id: record.id })
    if (end === 'ended') return
    if (end === 'timeout') {
      printStats(native, record)
      next = native.uptime() + interval
    }
  }
}

interface OpenOomWatch {
  readonly watch: number
  /** Called after each wake-up, which may have other causes. */
  readonly hasHappened: () => boolean
}

function openOomWatch(native: Native, { cgroups }: ContainerRecord): OpenOomWatch {
  const oom = oomWatch(cgroups)
  if (oom === undefined) return { watch: -1, hasHappened: () => false }
  const isLegacy = oom.version === 1
  let watch: number
  try {
    watch = native.watchEvents(oom.file, isLegacy ? oom.control : undefined)
  } catch (error) {
    // On a hybrid host the v2 hierarchy has no memory.events.
    if (errnoOf(error) === 'ENOENT') return { watch: -1, hasHappened: () => false }
    throw hostFailure(oom.file, error)
  }
  // v1 also signals the eventfd when the cgroup is removed.
  if (isLegacy) return { watch, hasHappened: () => native.exists(oom.control) }
  let known = oomKills(readSetting(native, oom.file) ?? '')
  const hasHappened = (): boolean => {
    const before = known
    known = oomKills(readSetting(native, oom.file) ?? '')
    return known > before
  }
  return { watch, hasHappened }
}

function printStats(native: Native, { id, cgroups }: ContainerRecord): void {
  const pageSizes = pageSizesOf(native.exists(HUGE_PAGES) ? native.readDirectory(HUGE_PAGES) : [])
  const data = readStats(cgroups, pageSizes, (path) => readSetting(native, path))
  printLine(native, { type: 'stats', id, data })
}

function printLine(native: Native, event: object): void {
  native.write(STDOUT, `${stringify(event)}\n`)
}
