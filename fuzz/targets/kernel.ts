// Text from the kernel in /proc and in cgroup files: containers and their owners choose names in it.

import { parseHierarchies, parseOwnCgroups } from '../../src/cgroup/hierarchies.ts'
import { isUnpopulated, oomKills } from '../../src/cgroup/oom.ts'
import { parseCounters, parseList, parseNumber, parseNumbers, parsePressure } from '../../src/cgroup/stats/parse.ts'
import { pageSizesOf, readStats } from '../../src/cgroup/stats/stats.ts'
import { stringify } from '../../src/config/json.ts'
import { parseConfig } from '../../src/config/parse-config.ts'
import { allMounts, externalMounts } from '../../src/criu/external.ts'
import { nameMounts } from '../../src/criu/name-mounts.ts'
import { RuntError } from '../../src/errors.ts'
import { fullMounts } from '../../src/host/host-mounts.ts'
import { parseMountTable } from '../../src/host/mount-table.ts'
import { findResctrl } from '../../src/host/probe-resctrl.ts'
import { configWith } from '../../src/plan/fixtures/cases.ts'
import { unifiedHost } from '../../src/plan/fixtures/hosts.ts'
import { nativeOf } from '../native.ts'
import { holds, type Target, textOf } from '../target.ts'

const { config } = parseConfig(stringify(configWith({})), 'config.json')

function mountinfo(input: Uint8Array): void {
  const text = textOf(input)
  const host = parseHierarchies({
    cgroupMounts: text.split('\n'),
    ownCgroups: unifiedHost.ownCgroups,
    unifiedControllers: 'cpu\n',
  })
  holds('a mode', host.mode === 'none' ? host.hierarchies.length === 0 : host.hierarchies.length > 0)
  for (const { mountpoint, root, own, controllers } of host.hierarchies)
    holds(
      'a text',
      [mountpoint, root, own, ...controllers].every((part) => typeof part === 'string'),
    )
  const native = nativeOf({ readFile: () => text })
  holds(
    'mounts',
    fullMounts(native, '/rootfs').every((path) => typeof path === 'string'),
  )
  holds('resctrl', ['string', 'undefined'].includes(typeof findResctrl(native)))
  const table = parseMountTable(text)
  const all = allMounts(externalMounts(config, { bundle: '/b', host, cgroups: {} }), table, ({ source }) => source)
  const found = all.map((mount, index) => ({ mount, found: table[index] ?? { problem: 'missing' } }))
  try {
    for (const { point, name } of nameMounts(table, found, config.linux))
      holds('a name', point.length > 0 && name.length > 0)
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
  }
}

function ownCgroups(input: Uint8Array): void {
  const text = textOf(input)
  const own = parseOwnCgroups(text)
  for (const [controller, path] of own) holds('a line', !controller.includes('\n') && !path.includes('\n'))
  const host = parseHierarchies({ cgroupMounts: unifiedHost.cgroupMounts, ownCgroups: text, unifiedControllers: text })
  for (const { own: path } of host.hierarchies) holds(`leads out: ${path}`, !path.startsWith('/..') || path[3] !== '/')
}

function statistics(input: Uint8Array): void {
  const text = textOf(input)
  for (const value of [parseNumber(text), oomKills(text), ...parseNumbers(text), ...parseCounters(text).values()])
    holds('a number', value === undefined || typeof value === 'bigint')
  holds(
    'a list',
    parseList(text.slice(0, 100)).every((member) => Number.isInteger(member) && member >= 0),
  )
  const pressure = parsePressure(text)
  for (const line of pressure === undefined ? [] : [pressure.some, pressure.full])
    for (const number of [line.avg10, line.avg60, line.avg300]) holds('an average', Number.isFinite(number))
  isUnpopulated(text)
  pageSizesOf(text.split('\n'))
  const directories = {
    cpu: '/c',
    cpuset: '/c',
    memory: '/c',
    blkio: '/c',
    pids: '/c',
    hugetlb: '/c',
    rdma: '/c',
    cpuacct: '/c',
  }
  for (const cgroups of [{ '': '/c' }, directories]) {
    const stats = readStats(cgroups, ['2MB'], () => text)
    JSON.stringify(stats, (key, value) => {
      holds(`${key} is no number`, typeof value !== 'number' || Number.isFinite(value))
      return typeof value === 'bigint' ? '' : value
    })
  }
}

const mountWords = [
  ' - cgroup2 cgroup2 rw',
  ' - cgroup cgroup rw,cpu',
  ' / ',
  '/sys/fs/cgroup',
  '\\040',
  '\\134',
  ' - ',
  '\n',
  'name=systemd',
  '0:29',
  ' - proc proc rw',
]
const numbers = [
  'max',
  '\n',
  ' ',
  'some avg10=',
  'total=',
  'oom_kill 1',
  '0-7,',
  '8:0 rbytes=1 ',
  '8:0 Read 1',
  'Total 5',
  'hca_handle=',
  '18446744073709551616',
  '-',
]

export const kernel: readonly Target[] = [
  { name: 'mountinfo', form: 'bytes', words: mountWords, run: mountinfo },
  {
    name: 'own-cgroups',
    form: 'bytes',
    words: ['0::/', '/..', '/../..', '1:name=systemd:', ':', ',', '\n', 'cpu,cpuacct'],
    run: ownCgroups,
  },
  { name: 'statistics', form: 'bytes', words: numbers, run: statistics },
]
