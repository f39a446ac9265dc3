/*
 * Decisions about a call's arguments: a graph of tests on 32-bit words, ending in actions, built from a rule tree.
 */
import { EQ, FULL, GE, type Level, MASKED, type Node } from './rule-chain.ts'
import type { RuleTree } from './rule-tree.ts'
import { simplify } from './simplify.ts'

/** A leaf: the filter returns `action`. */
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
  /** The mask that has been applied to the word in the accumulator after the test. */
  readonly leaves: number
}

export type Decision = Leaf | Test

/** Whether JSET can do a masked comparison: no bit of the mask, or the only one. */
const testsBits = (mask: number, value: number): boolean => value === 0 || (value === mask && (mask & (mask - 1)) === 0)

/** Creates decisions; equal decisions are the same object. */
export interface DecisionPool {
  readonly leaf: (action: number) => Leaf
  readonly test: (word: number, compare: number, mask: number, value: number, yes: Decision, no: Decision) => Decision
}

export const decisionPool = (): DecisionPool => {
  const leaves = new Map<number, Leaf>()
  /** Tests by their targets. */
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
  let next = otherwise
  for (let i = tree.leftovers.length - 1; i >= 0; --i) next = decideLevel(tree.leftovers[i] as Level, next, pool)
  const decision = decideLevel(tree.root, next, pool)
  return next !== otherwise || repeatsItself(tree.root) ? simplify(decision, pool) : decision
}

/** Whether a test may determine the outcome of a later one: not among plain equalities that end in actions. */
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
