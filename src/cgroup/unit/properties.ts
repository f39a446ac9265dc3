/**
 * `linux.resources` as properties of a systemd unit (systemd.resource-control(5), org.freedesktop.systemd1(5)), so that
 * systemd shows them and does not reset them. Values without a property, or with a finer resolution, are also written
 * to the unit's cgroup, by the same steps as without systemd.
 */

import type { CpuResources, Resources } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { INFINITY, number, type Property, quotaProperties, type Target, tasksMax } from '../../systemd/property.ts'
import type { Unit } from '../../systemd/unit.ts'
import { sharesToWeight, swapMax } from '../v2/conversions.ts'
import { cpuMask } from './cpu-mask.ts'
import { deviceProperties, OPEN_DEVICES } from './device-properties.ts'
import { unifiedProperties } from './unified-properties.ts'

/** The properties of a container's unit without limits. A scope also needs its first process: `pidProperty`. */
export function unitProperties(unit: Unit, target: Target): Property[] {
  const accounting = [
    'CPUAccounting',
    'MemoryAccounting',
    target.cgroups === 'v1' ? 'BlockIOAccounting' : 'IOAccounting',
    'TasksAccounting',
  ]
  return [
    { name: 'Description', signature: 's', value: unit.description },
    { name: 'Slice', signature: 's', value: unit.slice },
    { name: 'Delegate', signature: 'b', value: true },
    ...accounting.map((name) => ({ name, signature: 'b', value: true })),
    { name: 'DefaultDependencies', signature: 'b', value: false },
    // On v2 our own program filters devices; on v1 systemd and we write to the same files, and should write the same.
    ...(target.cgroups === 'v2' ? OPEN_DEVICES : []),
  ]
}

/** `linux.resources` of a new unit. */
export function createProperties(resources: Resources, target: Target, problems: Problem[]): Property[] {
  const devices = target.cgroups === 'v1' ? deviceProperties(resources, target) : []
  return [...devices, ...resourceProperties(resources, target, problems)]
}

/** The properties that an update changes, as far as they can be changed while the unit runs. */
export function updateProperties(resources: Resources, target: Target, problems: Problem[]): Property[] {
  const devices = target.cgroups === 'v1' && resources.devices.length > 0 ? deviceProperties(resources, target) : []
  const changed = resourceProperties(resources, target, problems)
  return [...devices, ...changed.filter(({ name }) => name !== 'OOMPolicy')]
}

/**
 * The properties that undo a change: the previous values, or systemd's defaults. Devices stay: one last write sets
 * them.
 */
export function formerProperties(changed: readonly Property[], former: readonly Property[]): Property[] {
  const limits = changed.filter(({ name }) => !name.startsWith('Device'))
  return limits.map((property) => {
    const { name, signature } = property
    const known = former.find((other) => other.name === name)
    if (known !== undefined) return known
    if (signature !== 't') return { ...property, value: [] }
    return number(name, name === 'MemoryLow' || name === 'MemoryMin' ? 0n : INFINITY)
  })
}

/** The process that a scope begins with. */
export function pidProperty(pid: number): Property {
  return { name: 'PIDs', signature: 'au', value: [pid] }
}

function resourceProperties(resources: Resources, target: Target, problems: Problem[]): Property[] {
  const { memory, pids } = resources
  const properties: Property[] = []
  const amount = (name: string, value: bigint | undefined) => {
    if (value !== undefined && value !== 0n) properties.push(number(name, value < 0n ? INFINITY : value))
  }
  amount(target.cgroups === 'v1' ? 'MemoryLimit' : 'MemoryMax', memory.limit)
  if (target.cgroups === 'v2') {
    amount('MemoryLow', memory.reservation)
    const swap = swapMax(memory.limit, memory.swap)
    if (swap !== undefined) properties.push(number('MemorySwapMax', swap === 'max' ? INFINITY : BigInt(swap)))
  }
  properties.push(
    ...weightProperties(resources.cpu, target),
    ...quotaProperties(resources.cpu.quota, resources.cpu.period, target),
  )
  if (target.cgroups === 'v1' && resources.blockIO.weight) {
    properties.push(number('BlockIOWeight', BigInt(resources.blockIO.weight)))
  }
  if (pids.limit !== undefined) properties.push(tasksMax(pids.limit))
  properties.push(...cpusetProperties(resources.cpu, target, problems))
  if (target.cgroups === 'v2') properties.push(...unifiedProperties(resources.unified, target, problems))
  return properties
}

/** For systemd, a weight of 0 means idle, since 252. */
function weightProperties({ shares, idle }: CpuResources, target: Target): Property[] {
  if (target.cgroups === 'v1') return shares ? [number('CPUShares', shares)] : []
  if (idle === 1n && target.version >= 252) return [number('CPUWeight', 0n)]
  return shares ? [number('CPUWeight', BigInt(sharesToWeight(shares)))] : []
}

function cpusetProperties(cpu: CpuResources, target: Target, problems: Problem[]): Property[] {
  const properties: Property[] = []
  for (const [property, name] of [
    ['cpus', 'AllowedCPUs'],
    ['mems', 'AllowedMemoryNodes'],
  ] as const) {
    const list = cpu[property]
    if (!list || target.version < 244) continue
    const value = cpuMask(list)
    if (value !== undefined) properties.push({ name, signature: 'ay', value })
    else
      problems.push({
        path: `linux.resources.cpu.${property}`,
        message: `${JSON.stringify(list)} is not a list such as "0-3,7"`,
      })
  }
  return properties
}
