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
  const far = FAR_CALLS[arch.table]
  if (far !== undefined && Object.hasOwn(far, name)) return far[name] as number
  const index = syscallIndex(name)
  if (index === undefined) return -1
  const code = TABLES[arch.table].charCodeAt(index)
  return code < FIRST_NUMBER ? -1 : arch.base + code - FIRST_NUMBER
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

/** The call's number within socketcall(2) or ipc(2), where this architecture reaches it that way. */
export const multiplexedCall = (arch: Architecture, name: string) => {
  if (arch.multiplex === 'direct' || !Object.hasOwn(MULTIPLEXED, name)) return undefined
  const code = MULTIPLEXED[name] as number
  return code < 200 ? { through: 'socketcall', call: code - 100 } : { through: 'ipc', call: code - 200 }
}
