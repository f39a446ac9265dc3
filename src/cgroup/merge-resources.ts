/**
 * Merges an update, which names only what changes (runc-update(8)), into a container's recorded resources: objects are
 * merged member by member; lists and maps replace the old ones.
 */

import type { Resources } from '../config/config.ts'

export function mergeResources(old: Resources, change: Resources): Resources {
  return {
    unified: { ...old.unified, ...change.unified },
    devices: list(old.devices, change.devices),
    memory: { ...old.memory, ...given(change.memory), ...sticky(old.memory, change.memory) },
    cpu: { ...old.cpu, ...given(change.cpu) },
    pids: { ...old.pids, ...given(change.pids) },
    blockIO: {
      ...old.blockIO,
      ...given(change.blockIO),
      weightDevice: list(old.blockIO.weightDevice, change.blockIO.weightDevice),
      throttleReadBpsDevice: list(old.blockIO.throttleReadBpsDevice, change.blockIO.throttleReadBpsDevice),
      throttleWriteBpsDevice: list(old.blockIO.throttleWriteBpsDevice, change.blockIO.throttleWriteBpsDevice),
      throttleReadIOPSDevice: list(old.blockIO.throttleReadIOPSDevice, change.blockIO.throttleReadIOPSDevice),
      throttleWriteIOPSDevice: list(old.blockIO.throttleWriteIOPSDevice, change.blockIO.throttleWriteIOPSDevice),
    },
    hugepageLimits: list(old.hugepageLimits, change.hugepageLimits),
    network: {
      ...old.network,
      ...given(change.network),
      priorities: list(old.network.priorities, change.network.priorities),
    },
    rdma: { ...old.rdma, ...change.rdma },
  }
}

/**
 * The resources to write for an update: the change, plus the recorded values that the kernel takes together with it.
 */
export function updateResources(old: Resources, change: Resources): Resources {
  const { memory, cpu } = change
  const swap = memory.limit === undefined && memory.swap !== undefined ? old.memory.limit : memory.limit
  const isBandwidth = cpu.quota !== undefined || cpu.period !== undefined
  const bandwidth = isBandwidth ? { ...pick('quota', old.cpu, cpu), ...pick('period', old.cpu, cpu) } : {}
  return {
    ...change,
    // On v2, swap is memory+swap minus the limit, and cpu.max has quota and period together.
    memory: { ...memory, ...(swap !== undefined && { limit: swap }) },
    cpu: { ...cpu, ...bandwidth },
  }
}

function pick<K extends 'quota' | 'period'>(key: K, old: Resources['cpu'], change: Resources['cpu']): Resources['cpu'] {
  const value = change[key] ?? old[key]
  return value === undefined ? {} : { [key]: value }
}

/** Flags that are always present: an update can set them, and leaves them unchanged otherwise. */
function sticky(old: Resources['memory'], change: Resources['memory']) {
  return {
    disableOOMKiller: old.disableOOMKiller || change.disableOOMKiller,
    checkBeforeUpdate: old.checkBeforeUpdate || change.checkBeforeUpdate,
  }
}

function list<T>(old: readonly T[], change: readonly T[]): readonly T[] {
  return change.length > 0 ? change : old
}

function given<T extends object>(change: T): Partial<T> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<T>
}
