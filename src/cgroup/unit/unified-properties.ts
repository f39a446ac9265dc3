/**
 * `linux.resources.unified` as properties of a systemd unit, for files that systemd knows
 * (systemd.resource-control(5)). All files are written to the cgroup as well, so an unknown one is no error here.
 */

import type { StringMap } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { INFINITY, number, type Property, quotaProperties, type Target, tasksMax } from '../../systemd/property.ts'
import { cpuMask } from './cpu-mask.ts'

/** By name; a Map, because a file may be called `constructor`. */
const AMOUNTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'memory.high': 'MemoryHigh',
    'memory.low': 'MemoryLow',
    'memory.min': 'MemoryMin',
    'memory.max': 'MemoryMax',
    'memory.swap.max': 'MemorySwapMax',
    'memory.zswap.max': 'MemoryZSwapMax',
  }),
)
const MASKS: ReadonlyMap<string, string> = new Map([
  ['cpuset.cpus', 'AllowedCPUs'],
  ['cpuset.mems', 'AllowedMemoryNodes'],
])

export function unifiedProperties(unified: StringMap, target: Target, problems: Problem[]): Property[] {
  const isIdle = unified['cpu.idle']?.trim() === '1' && target.version >= 252
  return Object.entries(unified).flatMap(([file, text]) => {
    // systemd represents idle as a weight of 0, so there is no other weight to set.
    if (file === 'cpu.idle') return isIdle ? [number('CPUWeight', 0n)] : []
    if (file === 'cpu.weight' && isIdle) return []
    const found = fileProperties(file, text.trim(), target)
    if (found !== undefined) return found
    problems.push({
      path: `linux.resources.unified[${JSON.stringify(file)}]`,
      message: `${JSON.stringify(text)} is not a value for it`,
    })
    return []
  })
}

/** The properties of one file; undefined if the value is invalid. */
function fileProperties(file: string, value: string, target: Target): Property[] | undefined {
  const amount = AMOUNTS.get(file)
  const mask = MASKS.get(file)
  if (amount !== undefined) return map(parseAmount(value), (bytes) => [number(amount, bytes)])
  if (mask !== undefined) {
    const bits = cpuMask(value)
    if (bits === undefined) return undefined
    return target.version >= 244 ? [{ name: mask, signature: 'ay', value: bits }] : []
  }
  if (file === 'cpu.weight') return map(parseAmount(value), (weight) => [number('CPUWeight', weight)])
  if (file === 'pids.max')
    return map(parseAmount(value), (tasks) => [tasks === INFINITY ? number('TasksMax', INFINITY) : tasksMax(tasks)])
  if (file === 'cpu.max') return cpuMax(value, target)
  if (file === 'memory.oom.group') return oomPolicy(value, target)
  return []
}

function cpuMax(value: string, target: Target): Property[] | undefined {
  const [quota = '', period = '100000', ...rest] = value.split(/\s+/)
  const amount = parseAmount(quota)
  const length = parseAmount(period)
  if (amount === undefined || length === undefined || rest.length > 0) return undefined
  return quotaProperties(amount === INFINITY ? -1n : amount, length, target)
}

/** Can only be set when the unit is created, since systemd 253. */
function oomPolicy(value: string, target: Target): Property[] | undefined {
  if (value !== '0' && value !== '1') return undefined
  if (target.version < 253) return []
  return [{ name: 'OOMPolicy', signature: 's', value: value === '1' ? 'kill' : 'continue' }]
}

function parseAmount(text: string): bigint | undefined {
  if (text === 'max') return INFINITY
  return /^\d+$/.test(text) ? BigInt(text) : undefined
}

function map<T, U>(value: T | undefined, use: (value: T) => U): U | undefined {
  return value === undefined ? undefined : use(value)
}
