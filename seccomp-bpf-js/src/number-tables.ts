/*
 * The numbers of an architecture for a profile: which ones do not have the common rules, and which is the newest
 * call in the profile. Only visits numbers that differ from most, never all of them.
 */
import type { Architecture } from './architectures.ts'
import { type Merging, outcomeOf } from './outcomes.ts'
import type { CheckedProfile } from './profile.ts'
import { type CallRules, type RuleBook, withMultiplexed } from './rule-book.ts'
import { FAR_CALLS, FIRST_NUMBER, HOLES, INDEXES, TABLES } from './syscall-tables.ts'
import { indexOfNumber, multiplexedAt, numberAt } from './syscalls.ts'

/** An architecture's numbers with their outcomes. */
export interface NumberTable {
  readonly arch: Architecture
  readonly calls: CallRules
  readonly common: number
  /** Keys of the numbers that do not have the common rules. */
  readonly keys: Uint32Array
  /** The highest number in the profile, 0 for none. */
  readonly newest: number
  readonly newer: number | undefined
}

/**
 * The highest number in the profile, 0 for none. As in libseccomp, calls behind socketcall or ipc do not count, even if
 * they also have a number of their own. `keys` are the uncommon numbers.
 */
const newestCall = (arch: Architecture, book: RuleBook, keys: Uint32Array): number => {
  const far = newestFarCall(arch, book)
  if (far > 0) return far
  const { calls, common, redundant } = book
  const counts = (index: number): boolean => arch.multiplex === 'direct' || multiplexedAt(index) < 0
  let newest = 0
  for (const index of redundant) if (counts(index)) newest = Math.max(newest, numberAt(arch, index))
  let key = keys.length - 1
  for (let slot = tableSize(arch) - 1; slot >= 0 && arch.base + slot > newest; --slot) {
    while (key >= 0 && (keys[key] as number) >> INDEX_BITS > slot) --key
    if (key >= 0 && (keys[key] as number) >> INDEX_BITS === slot) {
      const index = (keys[key] as number) & NO_NAME
      if (index !== NO_NAME && calls[index] !== 0 && counts(index)) return arch.base + slot
      // A run of numbers without a call ends at the next key or at the end of the table; the loop walks through it.
    } else if (common !== 0 && isCounted(arch, arch.base + slot)) return arch.base + slot
    else if (common === 0 && key < 0) break
  }
  return newest
}

/** Whether a number with the common rules has a name that counts. */
const isCounted = (arch: Architecture, number: number): boolean => {
  const index = indexOfNumber(arch, number)
  return index >= 0 && (arch.multiplex === 'direct' || multiplexedAt(index) < 0)
}

const newestFarCall = (arch: Architecture, { calls, redundant }: RuleBook): number => {
  let newest = 0
  for (const name in FAR_CALLS[arch.table]) {
    const index = INDEXES[name] as number
    if (calls[index] !== 0 || redundant.has(index)) newest = Math.max(newest, numberAt(arch, index))
  }
  return newest
}

/** Numbers of an architecture's table, counted from its base. */
export const tableSize = ({ table }: Architecture): number => HOLES[table].at(-1) as number

/** Names without the common rules: those with other rules and, unless most calls have none, those without any. */
const uncommonNames = ({ calls, special, common }: RuleBook): readonly number[] => {
  const uncommon = [...special]
  if (common === 0) return uncommon
  let count = uncommon.length
  for (let i = calls.indexOf(0); i >= 0; i = calls.indexOf(0, i + 1)) {
    uncommon[count] = i
    count += 1
  }
  return uncommon
}

/** Bits of a name's index in a sorting key, and the index that stands for a run of numbers without a call. */
export const INDEX_BITS = 10
export const NO_NAME = (1 << INDEX_BITS) - 1

/** Keys of the numbers that do not have the common rules, ascending: number from the base, then index of the name. */
const uncommonNumbers = (arch: Architecture, uncommon: readonly number[]): Uint32Array => {
  const text = TABLES[arch.table]
  const holes = HOLES[arch.table]
  const keys = new Uint32Array(uncommon.length + holes.length)
  let count = 0
  for (const index of uncommon) {
    const code = text.charCodeAt(index)
    if (code < FIRST_NUMBER) continue
    keys[count] = ((code - FIRST_NUMBER) << INDEX_BITS) + index
    count += 1
  }
  for (let i = 0; i < holes.length - 1; i += 2) {
    keys[count] = ((holes[i] as number) << INDEX_BITS) + NO_NAME
    count += 1
  }
  return keys.subarray(0, count).sort()
}

/**
 * libseccomp also merges the rules of calls that an architecture lacks or that are newer than the newest, and may
 * refuse them. On architectures with socketcall and ipc this applies to the calls behind these; other missing ones are
 * skipped.
 */
const checkConflicts = ({ arch, calls }: NumberTable, special: Iterable<number>, merging: Merging): void => {
  for (const index of special) {
    const list = calls[index] as number
    if (list === 0) continue
    if (arch.multiplex === 'direct' || numberAt(arch, index) >= 0 || multiplexedAt(index) > 0)
      outcomeOf(list, index, arch.width, merging)
  }
}

/** The filter's return value for a call with any arguments; undefined if they matter, or if there is no such call. */
export const unconditionalAction = (
  name: string,
  { arch, calls, newest, newer }: NumberTable,
  merging: Merging,
): number | undefined => {
  const index = INDEXES[name]
  const number = index === undefined ? -1 : numberAt(arch, index)
  if (index === undefined || number < 0) return undefined
  const list = calls[index] as number
  const beyond = newer !== undefined && number > newest
  const id = beyond ? newer : list === 0 ? merging.otherwise : outcomeOf(list, index, arch.width, merging)
  const outcome = merging.outcomes.list[id]
  return typeof outcome === 'number' ? outcome : undefined
}

/** The number tables of all architectures, by AUDIT_ARCH, the native one first. */
export const numberTables = (profile: CheckedProfile, book: RuleBook, merging: Merging): readonly NumberTable[][] => {
  const { common } = book
  const tables = new Map<number, NumberTable[]>()
  const multiplexed = profile.architectures.some(({ multiplex }) => multiplex === 'multiplexed')
  const behind = multiplexed ? withMultiplexed(profile, book) : book.calls
  const uncommon = uncommonNames(book)
  for (const arch of profile.architectures) {
    const keys = uncommonNumbers(arch, uncommon)
    const newest = newestCall(arch, book, keys)
    const calls = arch.multiplex === 'direct' ? book.calls : behind
    const table: NumberTable = { arch, calls, common, keys, newest, newer: newest > 0 ? merging.enosys : undefined }
    checkConflicts(table, book.special, merging)
    const together = tables.get(arch.audit)
    if (together === undefined) tables.set(arch.audit, [table])
    else together.push(table)
  }
  return [...tables.values()]
}
