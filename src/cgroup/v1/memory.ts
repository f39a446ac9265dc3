/**
 * cgroup v1 memory controller (config-linux.md, Memory; kernel Documentation/admin-guide/cgroup-v1/memory.rst).
 * Orders limit and memory+swap limit: the first may never exceed the second. 0 means "not set", as
 * in runc. useHierarchy is ignored: since Linux 5.11 every memory cgroup is hierarchical.
 */

import type { MemoryResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { EINVAL, ENOENT, EOPNOTSUPP } from '../../steps/constants.ts'
import type { Purpose, Write } from '../write.ts'

const SECTION = 'linux.resources.memory'

/** The kernel lacks the file or refuses to set it: both limits are deprecated and runc ignores them. */
const DEPRECATED = [ENOENT, EOPNOTSUPP, EINVAL]

export function memoryWrites({ memory }: Resources, purpose: Purpose, problems: Problem[]): Write[] {
  const writes = limitWrites(memory, purpose, problems)
  if (memory.kernel !== undefined) {
    writes.push({ ...write('memory.kmem.limit_in_bytes', memory.kernel, 'kernel'), tolerate: DEPRECATED })
  }
  if (isSet(memory.reservation)) writes.push(write('memory.soft_limit_in_bytes', memory.reservation, 'reservation'))
  if (memory.disableOOMKiller) writes.push(write('memory.oom_control', 1n, 'disableOOMKiller'))
  if (memory.kernelTCP !== undefined) {
    writes.push({ ...write('memory.kmem.tcp.limit_in_bytes', memory.kernelTCP, 'kernelTCP'), tolerate: DEPRECATED })
  }
  writes.push(...swappinessWrites(memory, problems))
  return writes
}

function limitWrites(memory: MemoryResources, purpose: Purpose, problems: Problem[]): Write[] {
  const limit = isSet(memory.limit) ? [write('memory.limit_in_bytes', memory.limit, 'limit')] : []
  const swap = isSet(memory.swap) ? [write('memory.memsw.limit_in_bytes', memory.swap, 'swap')] : []
  checkSwap(memory, purpose, problems)
  if (memory.limit === -1n && swap.length === 0) {
    // Unlimited memory means unlimited memory+swap; without swap accounting the kernel has no such file.
    const unlimited = write('memory.memsw.limit_in_bytes', -1n, 'limit')
    return [{ ...unlimited, tolerate: [ENOENT] }, ...limit]
  }
  if (memory.swap === -1n) return [...swap, ...limit]
  if (purpose === 'create' || limit.length === 0 || swap.length === 0) return [...limit, ...swap]
  // The old values may be above or below: the first write may violate limit <= memory+swap.
  return [...limit.map((first) => ({ ...first, tolerate: [EINVAL] })), ...swap, ...limit]
}

function checkSwap(memory: MemoryResources, purpose: Purpose, problems: Problem[]): void {
  if (memory.swap === undefined || memory.swap <= 0n) return
  if (memory.limit === undefined || memory.limit === 0n) {
    if (purpose === 'create') problems.push({ path: `${SECTION}.swap`, message: 'needs linux.resources.memory.limit' })
  } else if (memory.limit < 0n || memory.limit > memory.swap) {
    const message = `memory+swap limit ${memory.swap} must not be below linux.resources.memory.limit (${memory.limit})`
    problems.push({ path: `${SECTION}.swap`, message })
  }
}

function swappinessWrites(memory: MemoryResources, problems: Problem[]): Write[] {
  const { swappiness } = memory
  if (swappiness === undefined || swappiness === 0xffff_ffff_ffff_ffffn) return [] // -1, as engines write it: the default
  if (swappiness >= 0n && swappiness <= 100n) return [write('memory.swappiness', swappiness, 'swappiness')]
  problems.push({ path: `${SECTION}.swappiness`, message: `${swappiness} is not between 0 and 100` })
  return []
}

function isSet(value: bigint | undefined): value is bigint {
  return value !== undefined && value !== 0n
}

function write(file: string, value: bigint, property: string): Write {
  return { file, data: value.toString(), from: `${SECTION}.${property}` }
}
