/*
 * Names and numbers of system calls, read from the packed tables without unpacking them: a filter needs a few hundred
 * lookups once in the life of a process.
 */
import type { Architecture } from './architectures.ts'
import { FAR_CALLS, FIRST_NUMBER, INDEXES, MULTIPLEXED, TABLES } from './syscall-tables.ts'

/** Numbers a table has room for. */
const MAX_SLOTS = 0x300 - FIRST_NUMBER

let names: readonly string[] | undefined

/** All names, by index. */
export const syscallNames = (): readonly string[] => {
  names ??= Object.keys(INDEXES)
  return names
}

/** The index of a name, undefined when no architecture has such a call. */
export const syscallIndex = (name: string): number | undefined => INDEXES[name]

/** The number the kernel sees for a call, -1 where the architecture does not have it. */
export const syscallNumber = (arch: Architecture, name: string): number => {
  const index = syscallIndex(name)
  return index === undefined ? -1 : numberAt(arch, index)
}

/** As `syscallNumber`, by the index of the name. */
export const numberAt = (arch: Architecture, index: number): number => {
  const code = TABLES[arch.table].charCodeAt(index)
  if (code >= FIRST_NUMBER) return arch.base + code - FIRST_NUMBER
  return FAR_CALLS[arch.table]?.[syscallNames()[index] as string] ?? -1
}

/** The name of a number, undefined when the architecture has no such call. */
export const syscallName = (arch: Architecture, number: number): string | undefined => {
  const index = indexOfNumber(arch, number)
  if (index >= 0) return syscallNames()[index]
  const far = Object.entries(FAR_CALLS[arch.table] ?? {})
  return far.find((call) => call[1] === number)?.[0]
}

/** The index of the name of a number, -1 when it has none or is far from the others. */
export const indexOfNumber = (arch: Architecture, number: number): number => {
  const slot = number - arch.base
  return slot < 0 || slot >= MAX_SLOTS ? -1 : TABLES[arch.table].indexOf(String.fromCharCode(FIRST_NUMBER + slot))
}

/** 100 plus the number of a call behind socketcall(2), 200 plus that of one behind ipc(2), negative for others. */
export const multiplexedAt = (index: number): number => MULTIPLEXED.charCodeAt(index) - FIRST_NUMBER

/** As `multiplexedAt`, by name, for an architecture that may not have these. */
export const multiplexedCode = (arch: Architecture, name: string): number => {
  const index = arch.multiplex === 'multiplexed' ? syscallIndex(name) : undefined
  return index === undefined ? -1 : multiplexedAt(index)
}
