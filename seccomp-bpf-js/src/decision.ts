/*
 * Decisions about a call's arguments: a graph of tests on 32-bit words, ending in actions. Built from a rule tree,
 * simplified by what earlier tests on a path already told, and written as instructions that load each word once.
 */
import { BPF_AND_K, BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, BPF_JSET_K, BPF_LD_W_ABS, type ProgramWriter } from './program.ts'
import { EQ, GE, GT, type Level, MASKED, type Node, type RuleTree } from './rule-tree.ts'

/** An end: the filter returns `action`. */
export interface Leaf {
  readonly id: number
  readonly kind: 'leaf'
  readonly action: number
}

/** `word & mask` compared with `value`, then `yes` or `no`. */
export interface Test {
  readonly id: number
  readonly kind: 'test'
  /** Twice the argument's index, plus one for the upper word. */
  readonly word: number
  readonly compare: number
  readonly mask: number
  readonly value: number
  readonly yes: Decision
  readonly no: Decision
  /** The mask under which the word stands in the accumulator when the test has been made. */
  readonly leaves: number
}

export type Decision = Leaf | Test

/** Whether JSET can make a masked comparison: no bit of the mask, or the only one. */
const testsBits = (mask: number, value: number): boolean => value === 0 || (value === mask && (mask & (mask - 1)) === 0)

/** Makes decisions, the same object for the same decision. */
export interface DecisionPool {
  readonly leaf: (action: number) => Leaf
  readonly test: (word: number, compare: number, mask: number, value: number, yes: Decision, no: Decision) => Decision
}

const FULL = 0xffffffff

export const decisionPool = (): DecisionPool => {
  const leaves = new Map<number, Leaf>()
  /** Tests by what they lead to. */
  const tests = new Map<number, Test[]>()
  let next = 0
  const leaf = (action: number): Leaf => {
    let found = leaves.get(action)
    if (found === undefined) {
      next += 1
      found = { id: next, kind: 'leaf', action }
      leaves.set(action, found)
    }
    return found
  }
  const test: DecisionPool['test'] = (word, operator, mask, value, yes, no) => {
    if (yes === no) return yes
    if (operator === MASKED && mask === 0) return value === 0 ? yes : no
    if (operator === GE && value === 0) return yes
    const compare = operator === MASKED && mask === FULL ? EQ : operator
    const key = yes.id * 0x100000 + no.id
    let alike = tests.get(key)
    if (alike === undefined) {
      alike = []
      tests.set(key, alike)
    }
    for (const one of alike)
      if (one.word === word && one.value === value && one.compare === compare && one.mask === mask) return one
    const leaves = compare === MASKED && !testsBits(mask, value) ? mask : FULL
    next += 1
    const made: Test = { id: next, kind: 'test', word, compare, mask, value, yes, no, leaves }
    alike.push(made)
    return made
  }
  return { leaf, test }
}

/** The decision of a rule tree; `otherwise` when no rule matches. */
export const decide = (tree: RuleTree, otherwise: Decision, pool: DecisionPool): Decision => {
  if (tree.action !== undefined) return pool.leaf(tree.action)
  if (tree.root === undefined) return otherwise
  const decision = decideLevel(tree.root, otherwise, pool)
  return repeatsItself(tree.root) ? simplify(decision, pool) : decision
}

/** Whether a test may know the outcome of a later one: not among mere equalities that end in actions. */
const repeatsItself = ({ nodes }: Level): boolean => {
  for (let i = 0; i < nodes.length; ++i) {
    const { compare, yesLevel, noLevel } = nodes[i] as Node
    if (compare !== EQ || noLevel !== undefined) return true
    if (yesLevel !== undefined && (i + 1 < nodes.length || repeatsItself(yesLevel))) return true
  }
  return false
}

const decideLevel = ({ nodes }: Level, otherwise: Decision, pool: DecisionPool): Decision => {
  let next = otherwise
  for (let i = nodes.length - 1; i >= 0; --i) {
    const { word, compare, mask, value, yesAction, yesLevel, noAction, noLevel } = nodes[i] as Node
    const yes = decideBranch(yesAction, yesLevel, next, pool)
    next = pool.test(word, compare, mask, value, yes, decideBranch(noAction, noLevel, next, pool))
  }
  return next
}

const decideBranch = (
  action: number | undefined,
  level: Level | undefined,
  next: Decision,
  pool: DecisionPool,
): Decision => {
  if (level !== undefined) return decideLevel(level, next, pool)
  return action === undefined ? next : pool.leaf(action)
}

/** A test made earlier on the path, and how it came out. */
interface Fact {
  readonly test: Test
  readonly outcome: 'yes' | 'no'
  readonly earlier: Fact | undefined
}

/** The values a word can have, from `low` to `high`. */
interface Span {
  readonly low: number
  readonly high: number
}

/** A span after a comparison of its word is known. */
const narrow = ({ low, high }: Span, { test: { compare, value }, outcome }: Fact): Span => {
  const holds = outcome === 'yes'
  if (compare === EQ && holds) return { low: value, high: value }
  if (compare === GT && holds) return { low: Math.max(low, value + 1), high }
  if (compare === GT) return { low, high: Math.min(high, value) }
  if (compare === GE && holds) return { low: Math.max(low, value), high }
  if (compare === GE) return { low, high: Math.min(high, value - 1) }
  return { low, high }
}

/** What a test must come out as after the facts, undefined when either is possible. */
const implied = (test: Test, facts: Fact | undefined): 'yes' | 'no' | undefined => {
  let span: Span = { low: 0, high: FULL }
  for (let fact = facts; fact !== undefined; fact = fact.earlier) {
    if (fact.test.word !== test.word) continue
    span = narrow(span, fact)
    const known = sameMask(fact, test, fact.test.mask)
    if (known !== undefined) return known
  }
  return impliedBySpan(test, span, facts)
}

/** What a masked comparison tells about another comparison of the same word. */
const sameMask = (fact: Fact, test: Test, mask: number): 'yes' | 'no' | undefined => {
  const { compare, value } = fact.test
  if (compare !== MASKED && compare !== EQ) return undefined
  if (test.compare !== MASKED && test.compare !== EQ) return undefined
  if (fact.outcome === 'yes') {
    // All bits that `test` looks at are known when its mask lies within the fact's; otherwise only a difference is.
    const common = (mask & test.mask) >>> 0
    if (((value ^ test.value) & common) !== 0) return 'no'
    return common === test.mask ? 'yes' : undefined
  }
  if (mask === test.mask && value === test.value) return 'no'
  // A word that is not `value` under a mask is not `value` under a wider mask either.
  return (mask & test.mask) >>> 0 === mask && (test.value & mask) >>> 0 === value ? 'no' : undefined
}

const impliedBySpan = (test: Test, span: Span, facts: Fact | undefined): 'yes' | 'no' | undefined => {
  let { low, high } = span
  // Equalities that failed at the ends make the span narrower.
  for (let fact = facts; fact !== undefined; fact = fact.earlier) {
    if (fact.test.word !== test.word || fact.test.compare !== EQ || fact.outcome === 'yes') continue
    if (fact.test.value === low) low += 1
    else if (fact.test.value === high) high -= 1
  }
  const { compare, mask, value } = test
  if (compare === GT && low > value) return 'yes'
  if (compare === GT) return high <= value ? 'no' : undefined
  if (compare === GE && low >= value) return 'yes'
  if (compare === GE) return high < value ? 'no' : undefined
  if (low === high) return (low & mask) >>> 0 === value ? 'yes' : 'no'
  return compare === EQ && (value < low || value > high) ? 'no' : undefined
}

/** Follows the tests that the facts decide, to the first one that is open. */
const follow = (decision: Decision, facts: Fact | undefined): Decision => {
  let at = decision
  while (at.kind === 'test') {
    const outcome = implied(at, facts)
    if (outcome === undefined) return at
    at = at[outcome]
  }
  return at
}

/** Leaves out tests whose outcome the path already knows. Bounded: gives up on graphs that would grow. */
const simplify = (root: Decision, pool: DecisionPool): Decision => {
  let budget = 4000
  const walk = (decision: Decision, facts: Fact | undefined): Decision => {
    const at = follow(decision, facts)
    if (at.kind === 'leaf' || --budget < 0) return at
    const yes = walk(at.yes, { test: at, outcome: 'yes', earlier: facts })
    const no = walk(at.no, { test: at, outcome: 'no', earlier: facts })
    return yes === at.yes && no === at.no ? at : pool.test(at.word, at.compare, at.mask, at.value, yes, no)
  }
  return walk(root, undefined)
}

const CODES = [BPF_JEQ_K, BPF_JGT_K, BPF_JGE_K, BPF_JEQ_K]

/** Labels of a test: entered with its word under its mask in the accumulator, with the word, or with anything. */
interface Entry {
  readonly compare: number
  readonly mask: number
  readonly load: number
}

/** Entries beside the comparison itself that a test's predecessors need, as bits. */
const NEEDS_MASK = 1
const NEEDS_LOAD = 2

const needFrom = (from: Test | undefined, to: Test): number => {
  if (from === undefined || from.word !== to.word) return NEEDS_LOAD
  if (from.leaves === to.leaves) return 0
  return from.leaves === FULL ? NEEDS_MASK : NEEDS_LOAD
}

const collectNeeds = (from: Test | undefined, to: Decision, needs: Map<Test, number>): void => {
  if (to.kind === 'leaf') return
  const need = needFrom(from, to)
  const known = needs.get(to)
  if (known === undefined || (known & need) !== need) needs.set(to, known === undefined ? need : known | need)
  if (known !== undefined) return
  collectNeeds(to, to.yes, needs)
  collectNeeds(to, to.no, needs)
}

/** Offset of an argument's word in `struct seccomp_data`. */
const offsetOf = (word: number, endian: 'little' | 'big'): number => {
  const half = endian === 'little' ? word & 1 : 1 - (word & 1)
  return 16 + 8 * (word >> 1) + 4 * half
}

/** Writes a decision; answers the label at which it begins, whatever the accumulator holds. */
export const writeDecision = (root: Decision, writer: ProgramWriter, endian: 'little' | 'big'): number => {
  const needs = new Map<Test, number>()
  const entries = new Map<Test, Entry>()
  collectNeeds(undefined, root, needs)

  const labelOf = (from: Test | undefined, to: Decision): number => {
    if (to.kind === 'leaf') return writer.ret(to.action)
    const entry = entries.get(to) as Entry
    const need = needFrom(from, to)
    return need === 0 ? entry.compare : need === NEEDS_MASK ? entry.mask : entry.load
  }

  const write = (test: Test): void => {
    const { yes, no, compare, mask, value, leaves, word } = test
    if (yes.kind === 'test' && !entries.has(yes)) write(yes)
    if (no.kind === 'test' && !entries.has(no)) write(no)
    const toYes = labelOf(test, yes)
    const toNo = labelOf(test, no)
    const bits = compare === MASKED && leaves === FULL
    let at: number
    if (!bits) at = writer.jump(CODES[compare] as number, value, toYes, toNo)
    else if (value === 0) at = writer.jump(BPF_JSET_K, mask, toNo, toYes)
    else at = writer.jump(BPF_JSET_K, mask, toYes, toNo)
    const need = needs.get(test) as number
    const masked = leaves !== FULL && need !== 0 ? writer.step(BPF_AND_K, mask) : at
    const load = need & NEEDS_LOAD ? writer.step(BPF_LD_W_ABS, offsetOf(word, endian)) : masked
    entries.set(test, { compare: at, mask: masked, load })
  }

  if (root.kind === 'test') write(root)
  return labelOf(undefined, root)
}
