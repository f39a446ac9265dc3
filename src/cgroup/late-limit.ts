/**
 * A limit of one task. Init forks to create a user namespace and to run hooks, which this limit would forbid. So it is
 * set when init is ready, which is when runc and crun set all limits.
 */

import type { Property } from '../systemd/property.ts'
import type { Write } from './write.ts'

const isLate = ({ file, data }: Write): boolean => file === 'pids.max' && (data === '0' || data === '1')
const isLateProperty = ({ name, value }: Property): boolean => name === 'TasksMax' && value === 1n

interface Parted<T> {
  readonly early: readonly T[]
  readonly late: readonly T[]
}

/** Splits writes into those before init runs and the late ones. */
export const partWrites = (writes: readonly Write[]): Parted<Write> => part(writes, isLate)

export const partProperties = (properties: readonly Property[]): Parted<Property> => part(properties, isLateProperty)

function part<T>(all: readonly T[], isLate: (item: T) => boolean): Parted<T> {
  for (let i = 0; i < all.length; i++) {
    if (isLate(all[i] as T)) return { early: all.filter((item) => !isLate(item)), late: all.filter(isLate) }
  }
  return { early: all, late: [] }
}
