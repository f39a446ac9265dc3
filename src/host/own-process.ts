// What the kernel says of the runtime's own process: limits (getrlimit(2)) and capabilities (capabilities(7)).

import { capabilityNames, rlimitNames } from '../config/kernel-names.ts'
import { attempt } from '../errors.ts'
import type { Native } from '../native.ts'

export interface OwnLimit {
  /** Decimal, or `unlimited`. */
  readonly soft: string
  readonly hard: string
}

/** Before the columns of /proc/self/limits. */
const NAME_WIDTH = 26

/** By the names of config.json; empty if they cannot be read. The kernel's list is in the order of their numbers. */
export function ownLimits(native: Native): ReadonlyMap<string, OwnLimit> {
  const lines =
    attempt(() => native.readFile('/proc/self/limits'))
      ?.split('\n')
      .slice(1) ?? []
  return new Map(
    rlimitNames.flatMap((name, number) => {
      const [soft, hard] = lines[number]?.slice(NAME_WIDTH).trim().split(/\s+/) ?? []
      return soft === undefined || hard === undefined ? [] : [[name, { soft, hard }] as const]
    }),
  )
}

/** Effective capabilities; bit n is capability n. undefined if they cannot be read. */
export function ownCapabilities(native: Native): bigint | undefined {
  const found = /^CapEff:\s*([0-9a-f]+)$/m.exec(attempt(() => native.readFile('/proc/self/status')) ?? '')
  return found === null ? undefined : BigInt(`0x${found[1]}`)
}

/** Whether the runtime lacks this capability; undefined if that is not known. */
export function isLacking(native: Native, capability: string): boolean | undefined {
  const bit = capabilityNames.indexOf(capability)
  const own = ownCapabilities(native)
  return own === undefined || bit < 0 ? undefined : ((own >> BigInt(bit)) & 1n) === 0n
}
