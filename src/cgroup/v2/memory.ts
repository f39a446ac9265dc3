/**
 * cgroup v2 memory controller (config-linux.md, Memory; kernel Documentation/admin-guide/cgroup-v2.rst, Memory). kernel,
 * kernelTCP, swappiness and disableOOMKiller have no counterpart and are ignored, as in runc: engines send them anyway.
 */

import type { MemoryResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { ENOENT } from '../../steps/constants.ts'
import type { Purpose, Write } from '../write.ts'
import { swapMax } from './conversions.ts'

const SECTION = 'linux.resources.memory'

export function memoryWrites({ memory }: Resources, _purpose: Purpose, problems: Problem[]): Write[] {
  const writes = swapWrites(memory, problems)
  if (memory.limit) writes.push({ file: 'memory.max', data: amount(memory.limit), from: `${SECTION}.limit` })
  if (memory.reservation)
    writes.push({ file: 'memory.low', data: amount(memory.reservation), from: `${SECTION}.reservation` })
  return writes
}

function swapWrites(memory: MemoryResources, problems: Problem[]): Write[] {
  const { limit, swap } = memory
  if (swap !== undefined && swap > 0n) {
    if (limit === undefined || limit === 0n) {
      problems.push({ path: `${SECTION}.swap`, message: 'needs linux.resources.memory.limit' })
      return []
    }
    if (limit > swap) {
      const message = `memory+swap limit ${swap} must not be below linux.resources.memory.limit (${limit})`
      problems.push({ path: `${SECTION}.swap`, message })
      return []
    }
  }
  const data = swapMax(limit, swap)
  if (data === undefined) return []
  const from = `${SECTION}.${swap === undefined || swap === 0n ? 'limit' : 'swap'}`
  // Without swap accounting the kernel has no such file: ignored, unless the config sets a limit above 0.
  const tolerate = data === 'max' || data === '0' ? [ENOENT] : undefined
  return [{ file: 'memory.swap.max', data, from, ...(tolerate && { tolerate }) }]
}

function amount(value: bigint): string {
  return value < 0n ? 'max' : value.toString()
}
