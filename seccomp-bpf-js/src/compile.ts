/*
 * The compiler: a profile and the machine's architecture in, the filter for seccomp(2) and its flags out. Which calls
 * have which outcome is settled here, for each architecture; how an outcome is found fast is in search.ts. The loops over
 * all names and all numbers are written for an interpreter without a JIT: this runs at every start of a container.
 */
import { BAD_ARCHITECTURE, RETURN_ENOSYS, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE } from './actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName, X32_BIT } from './architectures.ts'
import { type Decision, type DecisionPool, decide, decisionPool, writeDecision } from './decision.ts'
import { type CheckedProfile, checkProfile, type Problem, type Rule, type Seccomp } from './profile.ts'
import { BPF_JEQ_K, BPF_LD_W_ABS, MAX_INSTRUCTIONS, type ProgramWriter, programWriter } from './program.ts'
import { mergeRules } from './rule-tree.ts'
import { addRange, type Ranges, writeSearch } from './search.ts'
import { FAR_CALLS, FIRST_NUMBER, HOLES, INDEXES, TABLES } from './syscall-tables.ts'
import { indexOfNumber, multiplexedAt, numberAt, syscallNames } from './syscalls.ts'

export interface CompileOptions {
  /** The architecture the filter is loaded on; it is always part of the filter. */
  readonly arch: ArchitectureName
  /** Where the profile stands in its document, for problems: default `linux.seccomp`. */
  readonly path?: string
}

/** A filter ready for seccomp(SECCOMP_SET_MODE_FILTER). */
export interface CompiledFilter {
  readonly problems: readonly []
  /** `struct sock_filter[]` in the byte order of the architecture. */
  readonly filter: Uint8Array
  readonly instructionCount: number
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number
  /** The flags ask for a listener: seccomp(2) returns a file descriptor that belongs to `listenerPath`. */
  readonly listener: boolean
  readonly warnings: readonly string[]
}

/** A profile that cannot be compiled. */
export interface RejectedProfile {
  readonly problems: readonly [Problem, ...Problem[]]
}

export type CompileResult = CompiledFilter | RejectedProfile

/** What happens to a call: an action as the filter returns it, or a decision about its arguments. */
type Outcome = number | Decision

type Rules = readonly Rule[]

/** The rules of calls, by the index of the name: a number that stands for a list of rules, 0 for none. */
type CallRules = Uint32Array

interface RuleBook {
  readonly calls: CallRules
  readonly lists: Rules[]
  /** Calls whose rules are not the common ones. */
  readonly special: Set<number>
  /** The list that most calls have; 0 is that, too. */
  readonly common: number
  /** Calls with rules that change nothing, and so are not among the rules. */
  readonly redundant: ReadonlySet<number>
  readonly unknown: readonly string[]
}

const CALLS = Object.keys(INDEXES).length

const isUnconditional = (rules: Rules): boolean => (rules[0] as Rule).conditions.length === 0

const readRules = (profile: CheckedProfile, badName: (source: number, at: number) => void): RuleBook => {
  const indexes = INDEXES
  const calls = new Uint32Array(CALLS)
  const lists: Rules[] = [[]]
  const special = new Set<number>()
  const redundant = new Set<number>()
  const unknown: string[] = []
  let common = 0
  for (const { source, names, rules, redundant: ineffective } of profile.groups) {
    const list = lists.push(rules) - 1
    const plain = list === 1 && !ineffective && isUnconditional(rules) && names.length > CALLS / 2
    if (plain) common = list
    for (const name of names) {
      const index = indexes[name]
      if (index === undefined) {
        if (typeof name === 'string' && name !== '') unknown.push(name)
        else badName(source, names.indexOf(name))
      } else if (plain) calls[index] = list
      else if (ineffective) redundant.add(index)
      else {
        const earlier = calls[index] as number
        calls[index] = earlier === 0 ? list : lists.push((lists[earlier] as Rules).concat(rules)) - 1
        special.add(index)
      }
    }
  }
  return { calls, lists, special, common, redundant, unknown }
}

/** A rule for a call behind socketcall(2) or ipc(2): the first argument is the call, whatever the rule says of it. */
const multiplexedRule = (rule: Rule, call: number): Rule => ({
  source: rule.source,
  action: rule.action,
  conditions: [
    { index: 0, op: 'SCMP_CMP_EQ', maskHigh: 0xffffffff, maskLow: 0xffffffff, high: 0, low: call },
    ...rule.conditions.filter(({ index }) => index !== 0),
  ],
})

/** The rules of socketcall(2) or ipc(2) and of all calls behind it, in the order of the profile. */
const gatherRules = (profile: CheckedProfile, through: string, first: number): Rules => {
  const gathered: Rule[] = []
  for (const { names, rules, redundant } of profile.groups) {
    if (redundant) continue
    for (const name of names) {
      const index = INDEXES[name]
      const code = index === undefined ? -1 : multiplexedAt(index) - first
      for (const rule of rules) {
        if (name === through) gathered.push(rule)
        else if (code > 0 && code < 100) gathered.push(multiplexedRule(rule, code))
      }
    }
  }
  return gathered
}

/** The rules of an architecture with socketcall(2) and ipc(2): these two get the rules of what is behind them. */
const withMultiplexed = (profile: CheckedProfile, book: RuleBook): CallRules => {
  const { calls, lists, special } = book
  let changed: CallRules | undefined
  for (const [through, first] of [
    ['socketcall', 100],
    ['ipc', 200],
  ] as const) {
    const index = INDEXES[through] as number
    const own = lists[calls[index] as number] as Rules
    // The common case: everything is allowed that anybody says something about.
    if (calls[index] === book.common && own.length > 0 && agreeOn(book, first, (own[0] as Rule).action)) continue
    const gathered = gatherRules(profile, through, first)
    if (gathered.length === 0) continue
    changed ??= calls.slice()
    changed[index] = lists.push(gathered) - 1
    special.add(index)
  }
  return changed ?? calls
}

/** Whether all rules of the calls behind socketcall(2) or ipc(2), counted from `first`, have this action. */
const agreeOn = ({ calls, lists, special }: RuleBook, first: number, action: number): boolean => {
  for (const index of special) {
    const code = multiplexedAt(index) - first
    if (code < 0 || code > 99) continue
    if ((lists[calls[index] as number] as Rules).some((rule) => rule.action !== action)) return false
  }
  return true
}

/** Outcomes as small integers: in `list`, and found again by what they are. */
interface Outcomes {
  readonly list: Outcome[]
  readonly ids: Map<Outcome, number>
}

const idOf = ({ list, ids }: Outcomes, outcome: Outcome): number => {
  let id = ids.get(outcome)
  if (id === undefined) {
    id = list.push(outcome) - 1
    ids.set(outcome, id)
  }
  return id
}

/** What the architectures have in common. */
interface Merging {
  readonly pool: DecisionPool
  readonly outcomes: Outcomes
  /** The default action, calls newer than all mentioned ones, calls of foreign architectures. */
  readonly fallback: number
  readonly otherwise: number
  readonly enosys: number | undefined
  readonly bad: number
  readonly conflict: (rule: Rule, index: number) => void
  readonly lists: readonly Rules[]
  /** Outcomes of lists of rules, by width. */
  readonly decided: Record<32 | 64, number[]>
}

/** Rules with one action cannot contradict each other, and one without conditions makes the others superfluous. */
const plainAction = (rules: Rules): number | undefined => {
  const action = (rules[0] as Rule).action
  let unconditional = false
  for (const rule of rules) {
    if (rule.action !== action) return undefined
    if (rule.conditions.length === 0) unconditional = true
  }
  return unconditional ? action : undefined
}

/** The outcome of a list of rules; `index` is a call that has it, for messages. */
const outcomeOf = (list: number, index: number, width: 32 | 64, merging: Merging): number => {
  const known = merging.decided[width][list]
  if (known !== undefined) return known
  const rules = merging.lists[list] as Rules
  let outcome: Outcome | undefined = isUnconditional(rules) ? (rules[0] as Rule).action : plainAction(rules)
  if (outcome === undefined) {
    const { tree, conflict } = mergeRules(rules, width)
    if (conflict !== undefined) merging.conflict(conflict, index)
    const decision = decide(tree, merging.pool.leaf(merging.fallback), merging.pool)
    outcome = decision.kind === 'leaf' ? decision.action : decision
  }
  const id = idOf(merging.outcomes, outcome)
  merging.decided[width][list] = id
  return id
}

/** What one architecture does with its numbers. */
interface NumberTable {
  readonly arch: Architecture
  readonly calls: CallRules
  readonly common: number
  /** Keys of the numbers that do not have the common rules. */
  readonly keys: Uint32Array
  /** The highest number the profile mentions, 0 for none. */
  readonly newest: number
  readonly newer: number | undefined
}

/**
 * The highest number mentioned, 0 for none. Calls behind socketcall or ipc do not count even where they have a number of
 * their own, as libseccomp has it. `keys` are the uncommon numbers.
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
      // A run of numbers without a call ends where the next key or the table does; the loop walks through it.
    } else if (common !== 0 && isCounted(arch, arch.base + slot)) return arch.base + slot
    else if (common === 0 && key < 0) break
  }
  return newest
}

/** Whether a number with the common rules has a name, and one that counts. */
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
const tableSize = ({ table }: Architecture): number => HOLES[table].at(-1) as number

/** Whether calls newer than the newest one mentioned get ENOSYS: a program then tries an older call, as it should. */
const answersEnosys = (action: number): boolean => {
  const kind = (action & 0xffff0000) >>> 0
  return kind !== SECCOMP_RET_ALLOW && kind !== SECCOMP_RET_LOG && kind !== SECCOMP_RET_TRACE
}

/** Names whose rules are not the common ones: those with other rules and, unless most calls have none, those with none. */
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
const INDEX_BITS = 10
const NO_NAME = (1 << INDEX_BITS) - 1

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

/** Adds the numbers of a table, from its base on; what it ends with goes on until the next range is added. */
const addTable = (table: NumberTable, weight: number, ranges: Ranges, merging: Merging): void => {
  const { arch, calls, common, newest, newer } = table
  const { base, width } = arch
  const { otherwise } = merging
  const size = tableSize(arch)
  const limit = newer === undefined || newest - base >= size ? size : newest - base + 1
  const holes = HOLES[arch.table]
  const filler = common === 0 ? otherwise : outcomeOf(common, 0, width, merging)
  const { starts, outcomes, weights } = ranges
  let end = starts.length - 1
  /** Numbers below this have been added. */
  let done = 0
  let hole = 0
  for (const key of table.keys) {
    const slot = key >> INDEX_BITS
    if (slot >= limit) break
    const index = key & NO_NAME
    const list = index === NO_NAME ? 0 : (calls[index] as number)
    const outcome = list === 0 ? otherwise : outcomeOf(list, index, width, merging)
    if (slot > done || done === 0) {
      if (slot > done) addRange(ranges, base + done, filler, (slot - done) * weight)
      addRange(ranges, base + slot, outcome, weight)
      end = starts.length - 1
    } else if (outcomes[end] === outcome) weights[end] = (weights[end] as number) + weight
    else {
      end += 1
      starts[end] = base + slot
      outcomes[end] = outcome
      weights[end] = weight
    }
    if (index === NO_NAME) {
      done = holes[hole + 1] as number
      hole += 2
    } else done = slot + 1
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

/** What a call of x32 counts beside one of x86_64: hardly anybody makes them. */
const X32_WEIGHT = 1 / 4

/**
 * x86_64 and x32 share one AUDIT_ARCH and differ in bit 30. A profile with only one of them treats the numbers of the
 * other as a foreign architecture, except -1, which a tracer uses to skip a call. Bit 31 means nothing, but its numbers
 * are numbers too.
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

/** s390 reaches calls without a number of their own through call 0; unknown ones come back as 0, so that is ENOSYS. */
const withoutSetup = (ranges: Ranges, newer: number): Ranges => {
  const { starts, outcomes, weights } = ranges
  const changed: Ranges = { starts: [], outcomes: [], weights: [] }
  addRange(changed, 0, newer, 0)
  for (let i = 0; i < starts.length; i++)
    addRange(changed, Math.max(starts[i] as number, 1), outcomes[i] as number, weights[i] as number)
  return changed
}

/** Ranges of all 32-bit numbers for the tables that share one AUDIT_ARCH: one table, or x86_64 and x32. */
const numberRanges = (tables: readonly NumberTable[], merging: Merging): Ranges => {
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

/**
 * libseccomp merges the rules also of calls that an architecture lacks or that are newer than the newest, and may refuse
 * them; only where calls hide behind others it leaves missing ones out.
 */
const checkConflicts = ({ arch, calls }: NumberTable, special: Iterable<number>, merging: Merging): void => {
  for (const index of special) {
    const list = calls[index] as number
    if (list === 0) continue
    if (arch.multiplex === 'direct' || numberAt(arch, index) >= 0) outcomeOf(list, index, arch.width, merging)
  }
}

/** The number tables of all architectures, by AUDIT_ARCH, the native one first. */
const numberTables = (profile: CheckedProfile, book: RuleBook, merging: Merging): readonly NumberTable[][] => {
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

/** Offsets in `struct seccomp_data`. */
const OFFSET_NUMBER = 0
const OFFSET_ARCH = 4

/** Writes the whole filter, from its end: the native architecture stands first and is asked for first. */
const writeFilter = (tables: readonly NumberTable[][], merging: Merging, endian: 'little' | 'big'): ProgramWriter => {
  const writer = programWriter((id, into) => {
    const outcome = merging.outcomes.list[id] as Outcome
    return typeof outcome === 'number' ? into.ret(outcome) : writeDecision(outcome, into, endian)
  })
  let otherArchitectures: number | undefined
  for (let i = tables.length - 1; i >= 0; i--) {
    const together = tables[i] as NumberTable[]
    const ranges = numberRanges(together, merging)
    writer.goto(writeSearch(ranges, writer))
    const numbers = writer.step(BPF_LD_W_ABS, OFFSET_NUMBER)
    const otherwise = otherArchitectures ?? writer.ret(BAD_ARCHITECTURE)
    otherArchitectures = writer.jump(BPF_JEQ_K, (together[0] as NumberTable).arch.audit, numbers, otherwise)
  }
  writer.step(BPF_LD_W_ABS, OFFSET_ARCH)
  return writer
}

const newMerging = (defaultAction: number, lists: readonly Rules[], conflict: Merging['conflict']): Merging => {
  const outcomes: Outcomes = { list: [], ids: new Map() }
  return {
    pool: decisionPool(),
    outcomes,
    fallback: defaultAction,
    otherwise: idOf(outcomes, defaultAction),
    enosys: answersEnosys(defaultAction) ? idOf(outcomes, RETURN_ENOSYS) : undefined,
    bad: idOf(outcomes, BAD_ARCHITECTURE),
    conflict,
    lists,
    decided: { 32: [], 64: [] },
  }
}

/** Compiles an OCI seccomp profile. Problems are returned, not thrown, each with its path in the document. */
export const compileSeccomp = (profile: Seccomp, options: CompileOptions): CompileResult => {
  const path = options.path ?? 'linux.seccomp'
  const native: Architecture = ARCHITECTURES[options.arch]
  const problems: Problem[] = []
  const report = (at: string, part: string, message: string) => void problems.push({ path: at + part, message })
  const checked = checkProfile(profile, native, path, report)
  if (checked === undefined || problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  const book = readRules(checked, (source, at) =>
    report(path, `.syscalls[${source}].names[${at}]`, 'must be the name of a system call'),
  )
  if (problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  const merging = newMerging(checked.defaultAction, book.lists, (rule, index) => {
    const at = `${path}.syscalls[${rule.source}]`
    const message = `${syscallNames()[index]} has another action already under the same conditions`
    if (!problems.some((problem) => problem.path === at)) report(at, '', message)
  })
  const writer = writeFilter(numberTables(checked, book, merging), merging, native.endian)
  const count = writer.count()
  if (count > MAX_INSTRUCTIONS)
    report(path, '.syscalls', `compiles to ${count} instructions, the kernel takes ${MAX_INSTRUCTIONS}`)
  if (problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  return {
    problems: [],
    filter: writer.encode(native.endian),
    instructionCount: count,
    flags: checked.flags,
    listener: checked.listener,
    warnings: book.unknown.length > 0 ? [`unknown system calls skipped: ${book.unknown.join(', ')}`] : [],
  }
}
