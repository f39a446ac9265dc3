/*
 * Decisions: a graph of tests on the words of seccomp_data, ending in actions. It is what the whole filter is before it
 * becomes instructions: built from rule trees, simplified by what earlier tests on a path already told.
 */
import { EQ, GE, GT, type Level, MASKED, type Node, type Branch as TreeBranch, type RuleTree } from './rule-tree.ts'

/** Words beyond those of the arguments (0 to 11, lower word first). */
export const WORD_NUMBER = 12
export const WORD_ARCH = 13

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
  readonly word: number
  readonly compare: number
  readonly mask: number
  readonly value: number
  readonly yes: Decision
  readonly no: Decision
}

export type Decision = Leaf | Test

/** Makes decisions, the same object for the same decision. */
export interface DecisionPool {
  readonly leaf: (action: number) => Leaf
  readonly test: (
    word: number,
    compare: number,
    mask: number,
    value: number,
    yes: Decision,
    no: Decision,
  ) => Decision
  /** As `test`, for tests known to be unique: not looked up. */
  readonly branch: (word: number, compare: number, value: number, yes: Decision, no: Decision) => Test
}

const FULL = 0xffffffff

export const decisionPool = (): DecisionPool => {
  const leaves = new Map<number, Leaf>()
  const tests = new Map<string, Test>()
  let next = 0
  const leaf = (action: number): Leaf => {
    let found = leaves.get(action)
    if (found === undefined) {
      found = { id: next++, kind: 'leaf', action }
      leaves.set(action, found)
    }
    return found
  }
  const branch = (word: number, compare: number, value: number, yes: Decision, no: Decision): Test => ({
    id: next++,
    kind: 'test',
    word,
    compare,
    mask: FULL,
    value,
    yes,
    no,
  })
  const test: DecisionPool['test'] = (word, compare, mask, value, yes, no) => {
    if (yes === no) return yes
    if (compare === MASKED && mask === 0) return value === 0 ? yes : no
    if (compare === MASKED && mask === FULL) compare = EQ
    if (compare === GE && value === 0) return yes
    const key = `${word},${compare},${mask},${value},${yes.id},${no.id}`
    let found = tests.get(key)
    if (found === undefined) {
      found = { id: next++, kind: 'test', word, compare, mask, value, yes, no }
      tests.set(key, found)
    }
    return found
  }
  return { leaf, test, branch }
}

/** The decision of a rule tree; `otherwise` when no rule matches. */
export const decide = (tree: RuleTree, otherwise: Decision, pool: DecisionPool): Decision => {
  if (tree.action !== undefined) return pool.leaf(tree.action)
  if (tree.root === undefined) return otherwise
  return simplify(decideLevel(tree.root, otherwise, pool), pool)
}

const decideLevel = (level: Level, otherwise: Decision, pool: DecisionPool): Decision => {
  let next = otherwise
  for (let i = level.nodes.length - 1; i >= 0; i--) {
    const node = level.nodes[i] as Node
    const yes = decideBranch(node.yes, next, pool)
    const no = decideBranch(node.no, next, pool)
    next = pool.test(node.word, node.compare, node.mask, node.value, yes, no)
  }
  return next
}

const decideBranch = (branch: TreeBranch, next: Decision, pool: DecisionPool): Decision => {
  if (branch.level !== undefined) return decideLevel(branch.level, next, pool)
  return branch.action === undefined ? next : pool.leaf(branch.action)
}

/** A test made earlier on the path, and how it came out. */
interface Fact {
  readonly test: Test
  readonly outcome: 'yes' | 'no'
  readonly earlier: Fact | undefined
}

/** What a test must come out as after the facts, undefined when either is possible. */
const implied = (test: Test, facts: Fact | undefined): 'yes' | 'no' | undefined => {
  let low = 0
  let high = FULL
  for (let fact = facts; fact !== undefined; fact = fact.earlier) {
    const { word, compare, mask, value } = fact.test
    if (word !== test.word) continue
    const holds = fact.outcome === 'yes'
    if (compare === EQ && holds) low = high = value
    else if (compare === GT) holds ? (low = Math.max(low, value + 1)) : (high = Math.min(high, value))
    else if (compare === GE) holds ? (low = Math.max(low, value)) : (high = Math.min(high, value - 1))
    const known = sameMask(fact, test, mask)
    if (known !== undefined) return known
  }
  return impliedByRange(test, low, high, facts)
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

const impliedByRange = (test: Test, low: number, high: number, facts: Fact | undefined): 'yes' | 'no' | undefined => {
  // Equalities that failed at the ends make the range narrower.
  for (let fact = facts; fact !== undefined; fact = fact.earlier) {
    if (fact.test.word !== test.word || fact.test.compare !== EQ || fact.outcome === 'yes') continue
    if (fact.test.value === low) low++
    else if (fact.test.value === high) high--
  }
  const { compare, mask, value } = test
  if (compare === GT) return low > value ? 'yes' : high <= value ? 'no' : undefined
  if (compare === GE) return low >= value ? 'yes' : high < value ? 'no' : undefined
  if (low === high) return (low & mask) >>> 0 === value ? 'yes' : 'no'
  if (compare === EQ) return value < low || value > high ? 'no' : undefined
  return undefined
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
