/**
 * A property of a systemd unit, and those that both `linux.resources` and `unified` use (systemd.resource-control(5)).
 */

import type { DbusValue } from './dbus-values.ts'

/** A name and a value: D-Bus's `(sv)`. */
export interface Property {
  readonly name: string
  readonly signature: string
  readonly value: DbusValue
}

export interface Target {
  readonly cgroups: 'v1' | 'v2'
  /** systemd's version, such as 252. */
  readonly version: number
}

export const INFINITY = 0xffff_ffff_ffff_ffffn
const DEFAULT_PERIOD = 100000n
/** systemd stores CPU time in per cent of a second. */
const PER_CENT = 10000n

/** Rounded up to a full per cent, or a child's quota that fits into the container's might not fit into the unit's. */
export function quotaProperties(quota: bigint | undefined, period: bigint | undefined, target: Target): Property[] {
  if (!quota && !period) return []
  // CPUQuotaPeriodUSec= exists since systemd 242.
  const periods = period && target.version >= 242 ? [number('CPUQuotaPeriodUSec', period)] : []
  if (!quota || quota < 0n) return [...periods, number('CPUQuotaPerSecUSec', INFINITY)]
  const perSecond = (quota * 1000000n) / (period || DEFAULT_PERIOD)
  const rounded = ((perSecond + PER_CENT - 1n) / PER_CENT) * PER_CENT
  return [...periods, number('CPUQuotaPerSecUSec', rounded)]
}

/** systemd cannot express 0: 1, as in the cgroup's own file. */
export function tasksMax(limit: bigint): Property {
  if (limit < 0n) return number('TasksMax', INFINITY)
  return number('TasksMax', limit === 0n ? 1n : limit)
}

export function number(name: string, value: bigint): Property {
  return { name, signature: 't', value }
}
