/*
 * The compiler: a profile and the machine's architecture in, the filter for seccomp(2) and its flags out. Which calls
 * have which decision is settled here, per architecture; how decisions are found fast is in search.ts.
 */
import { BAD_ARCHITECTURE, RETURN_ENOSYS, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE } from './actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName, X32_BIT } from './architectures.ts'
import { assemble, encodeFilter, type Instruction } from './assemble.ts'
import { type Decision, type DecisionPool, decide, decisionPool, WORD_ARCH } from './decision.ts'
import { type CheckedProfile, checkProfile, type Problem, type Rule, type Seccomp } from './profile.ts'
import { EQ, mergeRules } from './rule-tree.ts'
import { type Range, searchTree } from './search.ts'
import { multiplexedCall, numberAt, syscallIndexes, syscallNames } from './syscalls.ts'

/** The kernel's BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096

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

/** Rules of every call by index, and of the calls behind socketcall(2) and ipc(2) in the order of the profile. */
interface RuleBook {
  readonly direct: readonly (readonly Rule[] | undefined)[]
  readonly order: readonly { readonly index: number; readonly rules: readonly Rule[] }[]
  /** Indexes of all names the profile mentions, also where the rule changes nothing. */
  readonly mentioned: Uint8Array
}

const readRules = (profile: CheckedProfile, warnings: string[]): RuleBook => {
  const indexes = syscallIndexes()
  const direct: (readonly Rule[] | undefined)[] = new Array(indexes.size)
  const order: { index: number; rules: readonly Rule[] }[] = []
  const mentioned = new Uint8Array(indexes.size)
  const unknown: string[] = []
  for (const { names, rules, redundant } of profile.groups) {
    for (const name of names) {
      const index = indexes.get(name)
      if (index === undefined) {
        unknown.push(name)
        continue
      }
      mentioned[index] = 1
      if (redundant === 'redundant') continue
      order.push({ index, rules })
      const earlier = direct[index]
      direct[index] = earlier === undefined ? rules : earlier.concat(rules)
    }
  }
  if (unknown.length > 0) warnings.push(`unknown system calls skipped: ${unknown.join(', ')}`)
  return { direct, order, mentioned }
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

/** Rules of socketcall(2) and ipc(2) themselves, with those of the calls behind them. */
const multiplexedRules = (arch: Architecture, book: RuleBook): ReadonlyMap<string, readonly Rule[]> => {
  const names = syscallNames()
  const gathered = new Map<string, Rule[]>([
    ['socketcall', []],
    ['ipc', []],
  ])
  for (const { index, rules } of book.order) {
    const name = names[index] as string
    const behind = multiplexedCall(arch, name)
    if (behind !== undefined)
      gathered.get(behind.through)?.push(...rules.map((rule) => multiplexedRule(rule, behind.call)))
    else gathered.get(name)?.push(...rules)
  }
  return gathered
}

/** What one architecture does with the numbers of its table, and the newest call the profile mentions, 0 for none. */
interface NumberTable {
  readonly arch: Architecture
  /** From `arch.base`; undefined is the default action. */
  readonly decisions: readonly (Decision | undefined)[]
  /** 1 for each number, from `arch.base`, that is a call. */
  readonly known: Uint8Array
  readonly size: number
  /** Calls far beyond the others (Arm has some), ascending. */
  readonly far: readonly { readonly number: number; readonly decision: Decision }[]
  readonly newest: number
}

/** Numbers from a table's base that are looked at one by one. */
const TABLE_SIZE = 1024

type Conflict = (rule: Rule, name: string) => void

interface Merging {
  readonly pool: DecisionPool
  readonly otherwise: Decision
  readonly conflict: Conflict
  readonly decided: Record<32 | 64, Map<readonly Rule[], Decision>>
}

const mergedDecision = (rules: readonly Rule[], arch: Architecture, name: string, merging: Merging): Decision => {
  const known = merging.decided[arch.width].get(rules)
  if (known !== undefined) return known
  const { tree, conflict } = mergeRules(rules, arch.width)
  if (conflict !== undefined) merging.conflict(conflict, name)
  const decision = decide(tree, merging.otherwise, merging.pool)
  merging.decided[arch.width].set(rules, decision)
  return decision
}

const numberTable = (arch: Architecture, book: RuleBook, merging: Merging): NumberTable => {
  const names = syscallNames()
  const through = arch.multiplex === 'multiplexed' ? multiplexedRules(arch, book) : undefined
  const decisions: (Decision | undefined)[] = []
  const far: { number: number; decision: Decision }[] = []
  const known = new Uint8Array(TABLE_SIZE)
  let size = 0
  let newest = 0
  for (let index = 0; index < names.length; index++) {
    const number = numberAt(arch, index)
    const name = names[index] as string
    if (number < 0) {
      // libseccomp merges the rules of a call that the architecture lacks all the same, and may find a contradiction.
      const rules = arch.multiplex === 'direct' ? book.direct[index] : undefined
      if (rules !== undefined) mergedDecision(rules, arch, name, merging)
      continue
    }
    const slot = number - arch.base
    if (slot < TABLE_SIZE) {
      known[slot] = 1
      if (slot >= size) size = slot + 1
    }
    const gathered = through?.get(name)
    const rules = gathered !== undefined && gathered.length > 0 ? gathered : book.direct[index]
    if (rules !== undefined) {
      const decision = mergedDecision(rules, arch, name, merging)
      if (slot < TABLE_SIZE) decisions[slot] = decision
      else far.push({ number, decision })
    }
    // libseccomp gives calls behind socketcall and ipc pseudo numbers, so they do not count as newest.
    if (book.mentioned[index] === 1 && number > newest && multiplexedCall(arch, name) === undefined) newest = number
  }
  far.sort((a, b) => a.number - b.number)
  return { arch, decisions, known, size, far, newest }
}

/** Grows a list of ranges in ascending order, merging neighbours with the same decision. */
interface RangeList {
  readonly ranges: Range[]
  readonly add: (start: number, decision: Decision, weight: number) => void
}

const rangeList = (): RangeList => {
  const ranges: { start: number; decision: Decision; weight: number }[] = []
  const add = (start: number, decision: Decision, weight: number): void => {
    if (ranges.at(-1)?.start === start) ranges.pop()
    const last = ranges.at(-1)
    if (last !== undefined && last.decision === decision) last.weight += weight
    else ranges.push({ start, decision, weight })
  }
  return { ranges, add }
}

/** Whether calls newer than the newest one mentioned get ENOSYS instead of the default action, as runc does it. */
const answersEnosys = (profile: CheckedProfile): boolean => {
  const action = (profile.defaultAction & 0xffff0000) >>> 0
  return action !== SECCOMP_RET_ALLOW && action !== SECCOMP_RET_LOG && action !== SECCOMP_RET_TRACE
}

/** The decisions that fill the space between calls. */
interface Fillers {
  readonly otherwise: Decision
  readonly bad: Decision
  /** For calls newer than the newest, where they get something else than the default action. */
  readonly enosys: Decision | undefined
}

/** What is beyond the newest call of a table, undefined when that is nothing special. */
const beyond = (table: NumberTable, { enosys }: Fillers): Decision | undefined =>
  table.newest > 0 ? enosys : undefined

/** Adds the numbers of a table, from its base on; what it ends with goes on until the next range is added. */
const addTable = (table: NumberTable, list: RangeList, fillers: Fillers): void => {
  const { arch, decisions, known, size, newest } = table
  const { otherwise } = fillers
  const newer = beyond(table, fillers)
  const last = newer === undefined ? Number.MAX_SAFE_INTEGER : newest
  const count = Math.min(size, last - arch.base + 1)
  for (let slot = 0; slot < count; slot++)
    list.add(arch.base + slot, decisions[slot] ?? otherwise, known[slot] as number)
  list.add(arch.base + count, otherwise, 0)
  for (const { number, decision } of table.far) {
    if (number > last) break
    list.add(number, decision, 1)
    list.add(number + 1, otherwise, 0)
  }
  if (newer !== undefined) list.add(newest + 1, newer, 0)
}

/** Ranges of all 32-bit numbers for the tables that share one AUDIT_ARCH: one table, or x86_64 and x32. */
const numberRanges = (tables: readonly NumberTable[], profile: CheckedProfile, merging: Merging): readonly Range[] => {
  const { pool, otherwise } = merging
  const enosys = answersEnosys(profile) ? pool.leaf(RETURN_ENOSYS) : undefined
  const fillers: Fillers = { otherwise, bad: pool.leaf(BAD_ARCHITECTURE), enosys }
  const list = rangeList()
  const [first] = tables as [NumberTable]
  const wide = tables.find(({ arch }) => arch.table === 'x86_64')
  const narrow = tables.find(({ arch }) => arch.table === 'x32')
  list.add(0, otherwise, 0)
  if (wide === undefined && narrow === undefined) addTable(first, list, fillers)
  else addX86Tables(wide, narrow, list, fillers)
  if (first.arch.table === 's390' || first.arch.table === 's390x') return withoutSetup(list.ranges, beyond(first, fillers))
  return list.ranges
}

/**
 * x86_64 and x32 share one AUDIT_ARCH and differ in bit 30. A profile with only one of them treats the numbers of the
 * other as a foreign architecture, except -1, which a tracer uses to skip a call. Bit 31 means nothing, but its numbers
 * are numbers too.
 */
const addX86Tables = (
  wide: NumberTable | undefined,
  narrow: NumberTable | undefined,
  list: RangeList,
  fillers: Fillers,
): void => {
  const { bad, otherwise } = fillers
  if (wide === undefined) list.add(0, bad, 0)
  else addTable(wide, list, fillers)
  if (narrow === undefined) list.add(X32_BIT, bad, 0)
  else addTable(narrow, list, fillers)
  const wideBeyond = wide === undefined ? undefined : beyond(wide, fillers)
  list.add(0x80000000, wideBeyond ?? (narrow === undefined ? bad : otherwise), 0)
  if (narrow !== undefined) list.add(0xc0000000, beyond(narrow, fillers) ?? otherwise, 0)
  else {
    list.add(0xc0000000, bad, 0)
    list.add(0xffffffff, otherwise, 0)
  }
}

/** s390 reaches calls without a number of their own through call 0; unknown ones come back as 0, so that is ENOSYS. */
const withoutSetup = (ranges: readonly Range[], enosys: Decision | undefined): readonly Range[] => {
  if (enosys === undefined) return ranges
  const list = rangeList()
  for (const range of ranges) {
    list.add(range.start, range.start === 0 ? enosys : range.decision, range.weight)
    if (range.start === 0) list.add(1, range.decision, range.weight)
  }
  return list.ranges
}

/** Decisions of all architectures: the native one is asked for first. */
const decideAll = (profile: CheckedProfile, merging: Merging, warnings: string[]): Decision => {
  const book = readRules(profile, warnings)
  const tables = new Map<number, NumberTable[]>()
  for (const arch of profile.architectures) {
    const table = numberTable(arch, book, merging)
    const together = tables.get(arch.audit)
    if (together === undefined) tables.set(arch.audit, [table])
    else together.push(table)
  }
  let decision: Decision = merging.pool.leaf(BAD_ARCHITECTURE)
  for (const [audit, together] of [...tables].reverse()) {
    const numbers = searchTree(numberRanges(together, profile, merging), merging.pool)
    decision = merging.pool.branch(WORD_ARCH, EQ, audit, numbers, decision)
  }
  return decision
}

/** The decision graph of a profile, for the compiler and for explain.ts. */
export const decideProfile = (
  profile: Seccomp,
  options: CompileOptions,
): { readonly root: Decision; readonly checked: CheckedProfile; readonly warnings: readonly string[] } | RejectedProfile => {
  const path = options.path ?? 'linux.seccomp'
  const problems: Problem[] = []
  const report = (at: string, message: string) => void problems.push({ path: at, message })
  const checked = checkProfile(profile, ARCHITECTURES[options.arch], path, report)
  if (checked === undefined || problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  const pool = decisionPool()
  const warnings: string[] = []
  const merging: Merging = {
    pool,
    otherwise: pool.leaf(checked.defaultAction),
    conflict: (rule, name) => {
      const at = `${path}.syscalls[${rule.source}]`
      if (!problems.some((problem) => problem.path === at))
        report(at, `${name} already has another action under the same conditions`)
    },
    decided: { 32: new Map(), 64: new Map() },
  }
  const root = decideAll(checked, merging, warnings)
  if (problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  return { root, checked, warnings }
}

/** The instructions of a profile, for the disassembler and for tests; `compileSeccomp` is the same in bytes. */
export const compileInstructions = (profile: Seccomp, options: CompileOptions): readonly Instruction[] | RejectedProfile => {
  const decided = decideProfile(profile, options)
  return 'root' in decided ? assemble(decided.root, ARCHITECTURES[options.arch].endian) : decided
}

/** Compiles an OCI seccomp profile. Problems are returned, not thrown, each with its path in the document. */
export const compileSeccomp = (profile: Seccomp, options: CompileOptions): CompileResult => {
  const decided = decideProfile(profile, options)
  if (!('root' in decided)) return decided
  const { endian } = ARCHITECTURES[options.arch]
  const program = assemble(decided.root, endian)
  if (program.length > MAX_INSTRUCTIONS) {
    const path = `${options.path ?? 'linux.seccomp'}.syscalls`
    const message = `compiles to ${program.length} instructions, the kernel takes ${MAX_INSTRUCTIONS}`
    return { problems: [{ path, message }] }
  }
  return {
    problems: [],
    filter: encodeFilter(program, endian),
    instructionCount: program.length,
    flags: decided.checked.flags,
    listener: decided.checked.listener === 'listener',
    warnings: decided.warnings,
  }
}
