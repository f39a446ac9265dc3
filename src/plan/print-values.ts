// The values of a printed step: names of flags and constants as the hints of the step table say, instead of numbers.

import { capabilityNames, rlimitNames } from '../config/kernel-names.ts'
import * as constants from '../steps/constants.ts'
import * as protocol from '../steps/protocol.ts'

const known = Object.entries<unknown>({ ...constants, ...protocol }).filter(
  (entry): entry is [string, number] => typeof entry[1] === 'number',
)
const matching = new Map<string, readonly (readonly [string, number])[]>()

/** The constants that match a pattern of the step table: a name, or a prefix with a star. */
function named(pattern: string): readonly (readonly [string, number])[] {
  const found =
    matching.get(pattern) ??
    known.filter(([name]) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
  matching.set(pattern, found)
  return found
}

/** The constant with this value, or the number. */
export const constantName = (value: number, patterns: readonly string[]): string =>
  patterns.flatMap(named).find(([, constant]) => constant === value)?.[0] ?? String(value)

function flagText(value: number, patterns: readonly string[]): string {
  const names: string[] = []
  let rest = value
  for (const [name, bits] of patterns.flatMap(named)) {
    // A field of several bits, like MOUNT_ATTR__ATIME, is printed by the names of its values.
    if (bits === 0 || (bits & (bits - 1)) !== 0 || (rest & bits) === 0) continue
    names.push(name)
    rest &= ~bits
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`)
  return names.length === 0 ? '0' : names.join('|')
}

/** `1:3`: the opposite of makedev(3). */
function deviceText(value: bigint): string {
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn)
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffff_ff00n)
  return `${major}:${minor}`
}

/** A set of capabilities as a mask. */
function capabilityText(mask: bigint): string {
  const all = (1n << BigInt(capabilityNames.length)) - 1n
  if (mask === all) return 'all'
  const names = capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n)
  return names.length === 0 ? 'none' : names.join('|')
}

const formats: Readonly<Record<string, (value: bigint) => string>> = {
  octal: (value) => `0${value.toString(8)}`,
  hex: (value) => `0x${value.toString(16)}`,
  device: deviceText,
  capabilities: capabilityText,
  capability: (value) => capabilityNames[Number(value)] ?? String(value),
  rlimit: (value) => rlimitNames[Number(value)] ?? String(value),
}

/** Formats an int as the step table says: by a format, as flags, or as one constant. */
function intText(value: number | bigint, hint: readonly string[]): string {
  const [first] = hint
  if (first === undefined) return String(value)
  const format = formats[first]
  if (format !== undefined) return format(BigInt(value))
  return first === '=' ? constantName(Number(value), hint) : flagText(Number(value), hint)
}

export const hexText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** FNV-1a, so that two programs of the same size look different. */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** A field's value; `hint` is what follows its type in the step table. */
export function valueText(value: unknown, hint: readonly string[] = []): string {
  if (value instanceof Uint8Array) return `<${value.length} bytes ${checksum(value)}>`
  if (Array.isArray(value)) return `[${value.map((item: unknown) => valueText(item, hint)).join(' ')}]`
  if (typeof value === 'number' || typeof value === 'bigint') return intText(value, hint)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
