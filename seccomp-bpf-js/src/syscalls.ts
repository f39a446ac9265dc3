/*
 * Names and numbers of system calls, read from the packed tables without unpacking them: a filter needs a few hundred
 * lookups once in the life of a process.
 */
import type { Architecture } from './architectures.ts'
import { FAR_CALLS, FIRST_NAME, INDEXES, MULTIPLEXED, TABLES } from './syscall-tables.ts'

let names: readonly string[] | undefined

/** All names, by index. */
export const syscallNames = (): readonly string[] => {
  names ??= Object.keys(INDEXES)
  return names
}

/** The index of a name, undefined when no architecture has such a call. */
export const syscallIndex = (name: string): number | undefined => {
  return Object.hasOwn(INDEXES, name) ? INDEXES[name] : undefined
}

/** The number the kernel sees for a call, -1 where the architecture does not have it. */
export const syscallNumber = (arch: Architecture, name: string): number => {
  const far = FAR_CALLS[arch.table]
  if (far !== undefined && Object.hasOwn(far, name)) return far[name] as number
  const index = syscallIndex(name)
  if (index === undefined) return -1
  const slot = TABLES[arch.table].indexOf(String.fromCharCode(FIRST_NAME + index))
  return slot < 0 ? -1 : arch.base + slot
}

/** The name of a number, undefined when the architecture has no such call. */
export const syscallName = (arch: Architecture, number: number): string | undefined => {
  const code = TABLES[arch.table].charCodeAt(number - arch.base)
  if (code >= FIRST_NAME) return syscallNames()[code - FIRST_NAME]
  const far = Object.entries(FAR_CALLS[arch.table] ?? {})
  return far.find((call) => call[1] === number)?.[0]
}

/** The call's number within socketcall(2) or ipc(2), where this architecture reaches it that way. */
export const multiplexedCall = (arch: Architecture, name: string) => {
  if (arch.multiplex === 'direct' || !Object.hasOwn(MULTIPLEXED, name)) return undefined
  const code = MULTIPLEXED[name] as number
  return code < 200 ? { through: 'socketcall', call: code - 100 } : { through: 'ipc', call: code - 200 }
}
