/*
 * Turns the numbers of an architecture into ranges with one outcome each, over all 32-bit numbers: holes, calls newer
 * than the newest one, x32 beside x86_64. search.ts searches the ranges.
 */
import { X32_BIT } from './architectures.ts'
import { INDEX_BITS, NO_NAME, type NumberTable, tableSize } from './number-tables.ts'
import { type Merging, outcomeOf } from './outcomes.ts'
import { addRange, type Ranges } from './search.ts'
import { FAR_CALLS, HOLES, INDEXES } from './syscall-tables.ts'
import { numberAt } from './syscalls.ts'

/** Adds the numbers of a table, from its base on; its last outcome continues until the next range is added. */
const addTable = (table: NumberTable, weight: number, ranges: Ranges, merging: Merging): void => {
  const { arch, calls, common, newest, newer } = table
  const { base, width } = arch
  const { otherwise } = merging
  const size = tableSize(arch)
  const limit = newer === undefined || newest - base >= size ? size : newest - base + 1
  const holes = HOLES[arch.table]
  const filler = common === 0 ? otherwise : outcomeOf(common, 0, width, merging)
  const { keys } = table
  const { starts, outcomes, weights } = ranges
  // Does what addRange does, without a call for every number.
  addRange(ranges, base, filler, 0)
  let end = starts.length - 1
  let last = filler
  /** The numbers below this have been added. */
  let done = 0
  let hole = 1
  for (let i = 0; i < keys.length; ++i) {
    const key = keys[i] as number
    const slot = key >> INDEX_BITS
    if (slot >= limit) break
    const index = key & NO_NAME
    const list = index === NO_NAME ? 0 : (calls[index] as number)
    const outcome = list === 0 ? otherwise : outcomeOf(list, index, width, merging)
    if (slot > done && last !== filler) {
      end += 1
      starts[end] = base + done
      outcomes[end] = filler
      weights[end] = (slot - done) * weight
      last = filler
    } else weights[end] = (weights[end] as number) + (slot - done) * weight
    if (outcome === last) weights[end] = (weights[end] as number) + weight
    else if (starts[end] === base + slot) {
      outcomes[end] = outcome
      weights[end] = weight
      last = outcome
    } else {
      end += 1
      starts[end] = base + slot
      outcomes[end] = outcome
      weights[end] = weight
      last = outcome
    }
    done = slot + 1
    if (index === NO_NAME) {
      done = holes[hole] as number
      hole += 2
    }
  }
  if (limit > done) addRange(ranges, base + done, filler, (limit - done) * weight)
  addRange(ranges, base + limit, otherwise, 0)
  addFarCalls(table, ranges, merging)
  if (newer !== undefined) addRange(ranges, newest + 1, newer, 0)
}

const addFarCalls = ({ arch, calls, newest, newer }: NumberTable, ranges: Ranges, merging: Merging): void => {
  for (const name in FAR_CALLS[arch.table]) {
    const index = INDEXES[name] as number
    const number = numberAt(arch, index)
    const list = calls[index] as number
    if (newer !== undefined && number > newest) return
    addRange(ranges, number, list === 0 ? merging.otherwise : outcomeOf(list, index, arch.width, merging), 1)
    addRange(ranges, number + 1, merging.otherwise, 0)
  }
}

/** The weight of an x32 call relative to one of x86_64: they are rarely used. */
const X32_WEIGHT = 1 / 4

/**
 * x86_64 and x32 share one AUDIT_ARCH and differ in bit 30. A profile with only one of them treats the numbers of the
 * other as a foreign architecture, except -1, which a tracer uses to skip a call. Bit 31 has no meaning, but numbers
 * with it must be handled too.
 */
const addX86Tables = (
  wide: NumberTable | undefined,
  narrow: NumberTable | undefined,
  ranges: Ranges,
  merging: Merging,
): void => {
  const { bad, otherwise } = merging
  if (wide === undefined) addRange(ranges, 0, bad, 0)
  else addTable(wide, 1, ranges, merging)
  if (narrow === undefined) addRange(ranges, X32_BIT, bad, 0)
  else addTable(narrow, X32_WEIGHT, ranges, merging)
  addRange(ranges, 0x80000000, wide?.newer ?? (narrow === undefined ? bad : otherwise), 0)
  addRange(ranges, 0xc0000000, narrow === undefined ? bad : (narrow.newer ?? otherwise), 0)
  if (narrow === undefined) addRange(ranges, 0xffffffff, otherwise, 0)
}

/** s390 makes calls without a number of their own through call 0; unknown ones come back as 0, hence ENOSYS. */
const withoutSetup = (ranges: Ranges, newer: number): Ranges => {
  const { starts, outcomes, weights } = ranges
  const changed: Ranges = { starts: [], outcomes: [], weights: [] }
  addRange(changed, 0, newer, 0)
  for (let i = 0; i < starts.length; i++)
    addRange(changed, Math.max(starts[i] as number, 1), outcomes[i] as number, weights[i] as number)
  return changed
}

/** Ranges of all 32-bit numbers for the tables that share one AUDIT_ARCH: one table, or x86_64 and x32. */
export const numberRanges = (tables: readonly NumberTable[], merging: Merging): Ranges => {
  const ranges: Ranges = { starts: [], outcomes: [], weights: [] }
  addRange(ranges, 0, merging.otherwise, 0)
  const wide = tables.find(({ arch }) => arch.table === 'x86_64')
  const narrow = tables.find(({ arch }) => arch.table === 'x32')
  if (wide !== undefined || narrow !== undefined) {
    addX86Tables(wide, narrow, ranges, merging)
    return ranges
  }
  const [first] = tables as [NumberTable]
  addTable(first, 1, ranges, merging)
  const s390 = first.arch.table === 's390' || first.arch.table === 's390x'
  return s390 && first.newer !== undefined ? withoutSetup(ranges, first.newer) : ranges
}
