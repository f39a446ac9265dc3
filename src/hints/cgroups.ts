// Why a cgroup cannot be made, entered, or written to: its files on the host (cgroup-v1/, cgroup-v2.rst).

import { sizeText } from '../cgroup/oom-end.ts'
import { attempt } from '../errors.ts'
import { mountAt } from '../host/mount-table.ts'
import { isLacking } from '../host/own-process.ts'
import type { Native } from '../native.ts'
import { mountsOf, namesIn, parentOf, textOf } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'
import { described } from './search-path.ts'

/** The file or directory that the step writes or makes. */
const pathOf = ({ step }: Failure): string | undefined =>
  'path' in step && typeof step.path === 'string' && step.path.startsWith('/') ? step.path : undefined

/** The value in the parent cgroup of the first of these files that is there. */
function ofParent(native: Native, file: string, names: readonly string[]): string | undefined {
  const parent = parentOf(parentOf(file))
  return names.map((name) => textOf(native, `${parent}/${name}`)).find((text) => text !== undefined && text !== '')
}

const cpuset =
  (file: 'cpus' | 'mems', what: string): Hint =>
  (failure) => {
    const path = pathOf(failure)
    const above = path && ofParent(failure.native, path, [`cpuset.${file}.effective`, `cpuset.${file}`])
    return above && `must be ${what} of the cgroup above, which has ${above}, in a form such as 0-3,7`
  }

const cpuCount: Hint = ({ native }) => {
  const present = textOf(native, '/sys/devices/system/cpu/present')
  return present && `must be CPUs that this machine has: ${present}`
}

/** sched_cfs_period: the kernel takes quotas from 1 ms, and periods up to 1 s. */
const [LEAST, LONGEST] = [1000n, 1_000_000n]

const quota: Hint = ({ native, config, step }) => {
  const { quota: wanted, period } = config?.linux.resources.cpu ?? {}
  if (wanted !== undefined && wanted > 0n && wanted < LEAST)
    return `the kernel takes no quota below ${LEAST} microseconds: ask for more, or lower the period`
  if (period !== undefined && (period < LEAST || period > LONGEST))
    return `the period must be from ${LEAST} to ${LONGEST} microseconds`
  const path = 'path' in step ? String(step.path) : ''
  const above = ofParent(native, path, ['cpu.cfs_quota_us', 'cpu.max'])
  return above && !above.startsWith('-1') && !above.startsWith('max')
    ? `the cgroup above has the quota ${above}`
    : undefined
}

const realtime: Hint = (failure) => {
  const path = pathOf(failure)
  const above = path && ofParent(failure.native, path, ['cpu.rt_runtime_us'])
  return above && `the cgroups above must have a real-time budget to take it from: cpu.rt_runtime_us there is ${above}`
}

const hugePages: Hint = ({ native }) => {
  const sizes = namesIn(native, '/sys/kernel/mm/hugepages').map((name) => name.replace('hugepages-', ''))
  const isControlled = textOf(native, '/proc/cgroups')?.includes('\nhugetlb\t')
  if (isControlled === false) return 'the kernel has no hugetlb controller'
  return sizes.length === 0
    ? 'the kernel has no huge pages'
    : `the huge pages of this machine are of ${sizes.join(', ')}`
}

/** An ordinary user may only make cgroups below one that was delegated. */
const delegated: Hint = (failure) => {
  const path = pathOf(failure)
  const parent = path && parentOf(path)
  const status = parent ? attempt(() => failure.native.status(parent)) : undefined
  const uid = failure.native.euid()
  if (status === undefined || status.uid === uid || uid === 0) return undefined
  return `${parent} (${described(status)}) must be delegated to this user, uid ${uid}: by systemd (Delegate=yes), or with chown`
}

const readOnly: Hint = (failure) => {
  const path = pathOf(failure)
  const mount = path ? mountAt(mountsOf(failure.native), path) : undefined
  return mount?.isFixed ? `the hierarchy ${mount.point} is mounted read-only: remount it` : undefined
}

/** The container's cgroup of the v2 hierarchy, and the one above it. */
const unifiedOf = ({ cgroups }: Failure): string | undefined => cgroups?.['']

const threaded: Hint = (failure) => {
  const path = unifiedOf(failure)
  const parent = path && parentOf(path)
  const type = parent && textOf(failure.native, `${parent}/cgroup.type`)
  return type?.includes('threaded')
    ? `the v2 cgroup ${parent} is ${type}, and takes threads, no processes: choose another linux.cgroupsPath`
    : undefined
}

const inner: Hint = (failure) => {
  const path = unifiedOf(failure)
  const controllers = path && textOf(failure.native, `${path}/cgroup.subtree_control`)
  return (
    controllers &&
    `the v2 cgroup ${path} has children with controllers (${controllers}): processes may only be in its leaves`
  )
}

const emptySet: Hint = ({ native, cgroups }) => {
  const path = cgroups?.cpuset
  if (path === undefined) return undefined
  const empty = ['cpuset.cpus', 'cpuset.mems'].find((file) => textOf(native, `${path}/${file}`) === '')
  return empty && `a cpuset without CPUs or memory nodes takes no process: ${empty} of ${path} is empty`
}

const inUse: Hint = ({ native, step }) => {
  const list = step.op === 'claim_cgroup' ? textOf(native, step.list)?.split('\n') : undefined
  return list && list[0] !== '' ? `the container's cgroup is not empty: ${list.length} threads are in it` : undefined
}

const memory: Hint = ({ native, step }) => {
  const path = 'path' in step && typeof step.path === 'string' ? parentOf(step.path) : undefined
  const used = path && (textOf(native, `${path}/memory.usage_in_bytes`) ?? textOf(native, `${path}/memory.current`))
  return used && `${used} bytes are in use and cannot be reclaimed`
}

/** On v2 init is cloned into its cgroup and executed there: its own memory may be more than the limit. */
const tooLow: Hint = ({ native, config, cgroups }) => {
  const limit = config?.linux.resources.memory.limit
  const path = cgroups?.['']
  const events = path === undefined ? undefined : textOf(native, `${path}/memory.events`)
  if (limit === undefined || limit <= 0n || !/^max [1-9]/m.test(events ?? '')) return undefined
  return `linux.resources.memory.limit is ${sizeText(limit)}, too low for init: raise it`
}

const deviceFilter: Hint = ({ native }) =>
  isLacking(native, 'CAP_SYS_ADMIN')
    ? 'device rules on cgroup v2 need CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN'
    : undefined

export const cgroupPropertyHints: Hints = {
  'linux.resources.cpu.cpus EINVAL': cpuset('cpus', 'CPUs'),
  'linux.resources.cpu.cpus EACCES': cpuset('cpus', 'CPUs'),
  'linux.resources.cpu.cpus ERANGE': cpuCount,
  'linux.resources.cpu.mems EINVAL': cpuset('mems', 'memory nodes'),
  'linux.resources.cpu.quota EINVAL': quota,
  'linux.resources.cpu.period EINVAL': quota,
  'linux.resources.cpu.realtimeRuntime EINVAL': realtime,
  'linux.resources.hugepageLimits ENOENT': hugePages,
  'linux.resources.memory.limit EBUSY': memory,
  'linux.cgroupsPath EACCES': delegated,
  'linux.cgroupsPath EROFS': readOnly,
}

export const cgroupHints: Hints = {
  'mkdirat EROFS': readOnly,
  'clone EOPNOTSUPP': threaded,
  'clone EBUSY': inner,
  'clone ENOMEM': tooLow,
  'write ENOSPC': emptySet,
  'claim_cgroup EAGAIN': 'another container is about to enter the cgroup',
  'claim_cgroup EBUSY': inUse,
  'bpf_prog_attach EPERM': deviceFilter,
}
