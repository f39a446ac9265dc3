// linux.resources: values that the kernel refuses. On a host the plan says which of them are written, and where.

import { unifiedHierarchy } from '../cgroup/hierarchies.ts'
import { quote } from '../config/rule.ts'
import type { Native } from '../native.ts'
import { readSetting } from '../state/read-setting.ts'
import { refuseUsedCgroups } from '../state/used-cgroups.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { ConfigCheck, HostCheck } from './check.ts'

/** In microseconds: kernel/sched/core.c. */
const [LEAST_PERIOD, MOST_PERIOD] = [1000n, 1000000n]
/** PID_MAX_LIMIT. */
const MOST_PIDS = 4194304n
/** The first process needs this much before it runs a program. */
const LEAST_MEMORY = 131073n

/** Values that every kernel refuses. */
export const checkValues: ConfigCheck = ({ config, report }) => {
  const { cpu, pids, memory } = config.linux.resources
  const { quota = 0n, period = 0n } = cpu
  const at = 'linux.resources'
  if (quota > 0n && quota < LEAST_PERIOD) report(`${at}.cpu.quota`, `must be at least ${LEAST_PERIOD} µs, not ${quota}`)
  if (period !== 0n && (period < LEAST_PERIOD || period > MOST_PERIOD))
    report(`${at}.cpu.period`, `must be from ${LEAST_PERIOD} to ${MOST_PERIOD} µs, not ${period}`)
  if (pids.limit !== undefined && pids.limit > MOST_PIDS)
    report(`${at}.pids.limit`, `must be at most ${MOST_PIDS}, not ${pids.limit}`)
  const { limit = 0n } = memory
  if (limit > 0n && limit < LEAST_MEMORY) report(`${at}.memory.limit`, `${limit} bytes are too few for any process`)
  for (const key of ['cpus', 'mems'] as const) {
    const list = cpu[key]
    if (list !== undefined && !isList(list))
      report(`${at}.cpu.${key}`, `must be a list such as 0-3,7, not ${quote(list)}`)
  }
}

/** bitmap_parselist() of the kernel: `0-3,7`, `0-10:2/4`, with N for the last one, or `all`. */
const isList = (text: string): boolean =>
  text
    .trim()
    .split(/[,\s]+/)
    .every((part) => /^(?:all|(?:\d+|N)(?:-(?:\d+|N)(?::\d+\/\d+)?)?)?$/.test(part))

/** A value that is written to a file of a cgroup and must be accepted. */
interface CgroupWrite {
  readonly property: string
  readonly directory: string
  readonly file: string
  readonly data: string
}

function writesOf(steps: readonly Step[]): CgroupWrite[] {
  const open = new Map<number, { readonly path: string; readonly isOptional: boolean }>()
  return steps.flatMap((step) => {
    const isOptional = (step.tolerate ?? []).length > 0
    if (step.op === 'openat2') open.set(step.into, { path: step.path, isOptional })
    const opened = step.op === 'write' ? open.get(step.fd) : undefined
    const path = step.op === 'write_file' ? step.path : opened?.path
    if ((step.op !== 'write_file' && step.op !== 'write') || path === undefined) return []
    if (!step.from.startsWith('linux.resources.') || isOptional || opened?.isOptional) return []
    const slash = path.lastIndexOf('/')
    return [{ property: step.from, directory: path.slice(0, slash), file: path.slice(slash + 1), data: step.data }]
  })
}

export const checkCgroupWrites: HostCheck = ({ native, facts, planned, report }) => {
  const { runtimeSteps = [], containerSteps = [] } = planned?.plan ?? {}
  const controllers = unifiedHierarchy(facts.cgroups)?.controllers ?? []
  for (const write of writesOf([...runtimeSteps, ...containerSteps])) {
    const directory = existing(native, write.directory)
    const above = { directory, isUnified: native.exists(`${directory}/cgroup.controllers`) }
    const problem = fileProblem(native, above, controllers, write) ?? valueProblem(native, above, write)
    if (problem !== undefined) report(write.property, problem)
  }
}

/** A user without a delegated cgroup cannot create one. */
export const checkCgroupAccess: HostCheck = ({ native, planned, report }) => {
  for (const { op, from, tolerate = [], ...step } of planned?.plan.runtimeSteps ?? []) {
    if (op !== 'mkdirat' || from !== 'linux.cgroupsPath' || tolerate.length > 0 || !('path' in step)) continue
    const directory = existing(native, step.path as string)
    if (directory === step.path || native.writable(directory)) continue
    report(from, `${directory} is not writable: it must be delegated to this user`)
    return
  }
}

/** Without cgroupsPath the id decides which cgroup it is. Throws. */
export const checkUsedCgroup: HostCheck = ({ native, config, planned }) => {
  if (config.linux.cgroupsPath !== undefined && planned !== undefined && planned.cgroup.unit === undefined)
    refuseUsedCgroups(native, planned.cgroup)
}

/** The cgroup itself, or the nearest one above it. */
const existing = (native: Native, path: string): string =>
  path === '' || native.exists(path) ? path : existing(native, parentOf(path))

/** Files of v1 that the root of the hierarchy does not have. */
const NOT_ON_ROOT = ['pids.max', 'rdma.max']

interface Above {
  readonly directory: string
  /** cgroup v2. */
  readonly isUnified: boolean
}

/** On v1 all cgroups of a hierarchy have the same files; on v2 the controllers decide. */
function fileProblem(
  native: Native,
  { directory, isUnified }: Above,
  controllers: readonly string[],
  { file }: CgroupWrite,
): string | undefined {
  const [controller = ''] = file.split('.', 1)
  const exists = isUnified
    ? controller === 'cgroup' || controllers.includes(controller)
    : native.exists(`${directory}/${file}`) || NOT_ON_ROOT.includes(file)
  if (!exists) return isUnified ? `this host has no ${controller} controller` : `the kernel does not have ${file}`
  const pages = /^hugetlb\.(\d+)([KMG])B\./.exec(file)
  if (pages === null) return undefined
  const kilobytes = Number(pages[1]) * (pages[2] === 'K' ? 1 : pages[2] === 'M' ? 1024 : 1024 * 1024)
  if (native.exists(`/sys/kernel/mm/hugepages/hugepages-${kilobytes}kB`)) return undefined
  return `the kernel has no huge pages of ${pages[1]}${pages[2]}B`
}

function valueProblem(native: Native, { isUnified }: Above, write: CgroupWrite): string | undefined {
  const { file, data } = write
  if (file === 'cpuset.cpus' || file === 'cpuset.mems') return listProblem(native, isUnified, write)
  if (!file.startsWith('blkio.') && file !== 'io.max') return undefined
  const device = /^\d+:\d+(?= )/.exec(data)?.[0]
  if (device === undefined || native.exists(`/sys/dev/block/${device}`)) return undefined
  return `this host has no block device ${device}`
}

/** v1: a subset of the cgroup above; v2: of what the machine may have. */
function listProblem(native: Native, isUnified: boolean, { directory, file, data }: CgroupWrite): string | undefined {
  const [noun, kind] = file === 'cpuset.cpus' ? ['CPU', 'cpu'] : ['memory node', 'node']
  const possible = readSetting(native, `/sys/devices/system/${kind}/possible`) ?? ''
  const available = (isUnified ? '' : nearestList(native, parentOf(directory), file)) || possible
  const all = new Set(numbers(available))
  const missing = numbers(data).find((number) => !all.has(number))
  if (available === '' || missing === undefined) return undefined
  return `${quote(data)}: there is no ${noun} ${missing}; available are ${available}`
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** An empty list becomes that of the cgroup above (state/fill-cpusets.ts). */
function nearestList(native: Native, directory: string, file: string): string {
  if (directory === '') return ''
  return readSetting(native, `${directory}/${file}`) || nearestList(native, parentOf(directory), file)
}

/** Ranges with steps, and those that no machine has, are left to the kernel. */
function numbers(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$/.exec(part) ?? []
    if (first === undefined) return []
    return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, i) => Number(first) + i)
  })
}
