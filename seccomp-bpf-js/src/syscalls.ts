/*
 * Names and numbers of system calls, read from the packed tables without unpacking them: a filter needs a few hundred
 * lookups once in the life of a process.
 */
import { type Architecture, X32_BIT } from './architectures.ts'
import { EXTRA_NUMBERS, MULTIPLEXED, NAMES, TABLES } from './syscall-tables.ts'

let names: readonly string[] | undefined
let indexes: Map<string, number> | undefined

/** All names, by index. */
export const syscallNames = (): readonly string[] => {
  names ??= NAMES.split(' ')
  return names
}

/** The index of each known name; unpacked at the first use. */
export const syscallIndexes = (): ReadonlyMap<string, number> => {
  if (indexes === undefined) {
    indexes = new Map()
    const all = syscallNames()
    for (let i = 0; i < all.length; i++) indexes.set(all[i] as string, i)
  }
  return indexes
}

/** The number the kernel sees for the call with this index, or -1 where the architecture does not have it. */
export const numberAt = (arch: Architecture, index: number): number => {
  const table = TABLES[arch.table]
  const value = (table.charCodeAt(2 * index) - 48) * 44 + table.charCodeAt(2 * index + 1) - 48
  if (value === 0) return -1
  return value < 1900 ? arch.base + value - 1 : (EXTRA_NUMBERS[value - 1900] as number)
}

/** The number of a call by name, -1 when there is none. */
export const syscallNumber = (arch: Architecture, name: string): number => {
  const index = syscallIndexes().get(name)
  return index === undefined ? -1 : numberAt(arch, index)
}

/** The name of a number, undefined when the architecture has no such call. */
export const syscallName = (arch: Architecture, number: number): string | undefined => {
  const all = syscallNames()
  for (let i = 0; i < all.length; i++) if (numberAt(arch, i) === number) return all[i]
  return undefined
}

/** The call's number within socketcall(2) or ipc(2), where this architecture reaches it that way. */
export const multiplexedCall = (arch: Architecture, name: string) => {
  if (arch.multiplex === 'direct' || !Object.hasOwn(MULTIPLEXED, name)) return undefined
  const code = MULTIPLEXED[name] as number
  return code < 200 ? { through: 'socketcall', call: code - 100 } : { through: 'ipc', call: code - 200 }
}

/** True for the calls of x32 beside x86_64. */
export const isX32 = (number: number): boolean => (number & X32_BIT) !== 0
