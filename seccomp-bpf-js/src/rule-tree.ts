/*
 * What several rules for one system call mean together. The spec says nothing; libseccomp decides by merging them into
 * a tree of 32-bit comparisons, and the order and the merging are what this file reproduces, so that conflicting rules
 * have the winner they have under runc: higher arguments first, equality before "less" before "greater", larger values
 * first; an unconditional rule beats all others; equal conditions with different actions are refused.
 */
import type { Condition, Operator, Rule } from './profile.ts'

/** Comparison of a word: all seven operators come down to these and the choice of the branch. */
export const EQ = 0
export const GT = 1
export const GE = 2
export const MASKED = 3

/** What follows one outcome of a test: an action, more tests, or nothing (the next test of the level). */
export interface Branch {
  action: number | undefined
  level: Level | undefined
}

/** Tests tried in order until one of them leads to an action. */
export interface Level {
  readonly nodes: Node[]
}

/** A test of one word of an argument. */
export interface Node {
  /** Twice the argument's index, plus one for the upper word. */
  readonly word: number
  readonly compare: number
  readonly mask: number
  readonly value: number
  /** Order on a level: by operator as written in the profile. */
  readonly rank: number
  /** The whole 64-bit value, by which libseccomp settles some conflicts. */
  readonly high: number
  readonly low: number
  readonly yes: Branch
  readonly no: Branch
}

/** The rules of one call on one architecture: one action, or a tree. */
export interface RuleTree {
  action: number | undefined
  root: Level | undefined
}

const RANK: Readonly<Record<Operator, number>> = {
  SCMP_CMP_EQ: 3,
  SCMP_CMP_NE: 3,
  SCMP_CMP_MASKED_EQ: 3,
  SCMP_CMP_LE: 2,
  SCMP_CMP_LT: 2,
  SCMP_CMP_GE: 1,
  SCMP_CMP_GT: 1,
}

const node = (condition: Condition, part: 'high' | 'low', compare: number): Node => {
  const mask = part === 'high' ? condition.maskHigh : condition.maskLow
  return {
    word: 2 * condition.index + (part === 'high' ? 1 : 0),
    compare,
    mask,
    value: ((part === 'high' ? condition.high : condition.low) & mask) >>> 0,
    rank: RANK[condition.op],
    high: condition.high,
    low: condition.low,
    yes: { action: undefined, level: undefined },
    no: { action: undefined, level: undefined },
  }
}

/** The tests of one condition: where they start, and the branches on which the condition holds. */
interface Chain {
  readonly first: Node
  readonly ends: readonly Branch[]
}

/** NE, LT and LE are EQ, GE and GT with the outcome turned round. */
const turned = (op: Operator) => op === 'SCMP_CMP_NE' || op === 'SCMP_CMP_LT' || op === 'SCMP_CMP_LE'

const COMPARE: Readonly<Record<Operator, number>> = {
  SCMP_CMP_EQ: EQ,
  SCMP_CMP_NE: EQ,
  SCMP_CMP_MASKED_EQ: MASKED,
  SCMP_CMP_GT: GT,
  SCMP_CMP_LE: GT,
  SCMP_CMP_GE: GE,
  SCMP_CMP_LT: GE,
}

const chain32 = (condition: Condition): Chain => {
  const first = node(condition, 'low', COMPARE[condition.op])
  return { first, ends: [turned(condition.op) ? first.no : first.yes] }
}

const chain64 = (condition: Condition): Chain => {
  const compare = COMPARE[condition.op]
  const low = node(condition, 'low', compare)
  if (compare === EQ || compare === MASKED) {
    const high = node(condition, 'high', compare)
    high.yes.level = { nodes: [low] }
    return { first: high, ends: turned(condition.op) ? [high.no, low.no] : [low.yes] }
  }
  const above = node(condition, 'high', GT)
  const same = node(condition, 'high', EQ)
  above.no.level = { nodes: [same] }
  same.yes.level = { nodes: [low] }
  return { first: above, ends: turned(condition.op) ? [same.no, low.no] : [above.yes, low.yes] }
}

/** Conditions that compare something, arguments in ascending order. */
const comparing = (rule: Rule, width: 32 | 64): readonly Condition[] => {
  // A mask without bits compares nothing.
  const useful = rule.conditions.filter(({ maskLow, maskHigh }) => maskLow !== 0 || (width === 64 && maskHigh !== 0))
  return useful.length < 2 ? useful : useful.sort((a, b) => a.index - b.index)
}

/** The tests of conditions from `at` on. A condition may hold on two branches, and each gets its own tests below. */
const chainOf = (conditions: readonly Condition[], at: number, action: number, width: 32 | 64): Level => {
  const condition = conditions[at] as Condition
  const { first, ends } = width === 32 ? chain32(condition) : chain64(condition)
  for (const end of ends) {
    if (at + 1 < conditions.length) end.level = chainOf(conditions, at + 1, action, width)
    else end.action = action
  }
  return { nodes: [first] }
}

const sameTest = (a: Node, b: Node): boolean =>
  a.word === b.word && a.compare === b.compare && a.value === b.value && a.mask === b.mask

/** True when `a` comes after `b` on a level. */
const isAfter = (a: Node, b: Node): boolean => {
  if (a.word !== b.word) return a.word < b.word
  if (a.rank !== b.rank) return a.rank < b.rank
  return a.rank === 2 ? a.value > b.value : a.value < b.value
}

const isLeaf = (test: Node): boolean => test.yes.level === undefined && test.no.level === undefined

/** True when every action below is this one. */
const onlyActs = (level: Level | undefined, action: number): boolean => {
  if (level === undefined) return true
  for (const test of level.nodes) {
    if (!onlyActsNode(test, action)) return false
  }
  return true
}

const onlyActsNode = (test: Node, action: number): boolean =>
  (test.yes.action === undefined || test.yes.action === action) &&
  (test.no.action === undefined || test.no.action === action) &&
  onlyActs(test.yes.level, action) &&
  onlyActs(test.no.level, action)

type Outcome = 'added' | 'conflict'

/** Which of two 64-bit values is larger: negative, zero, positive. */
const compareValues = (a: Node, b: Node): number => (a.high === b.high ? a.low - b.low : a.high - b.high)

/** Gives an existing test the action that a new one has on this side. */
const addAction = (side: 'yes' | 'no', existing: Node, fresh: Node): Outcome => {
  const action = fresh[side].action
  const branch = existing[side]
  if (action === undefined) return 'added'
  if (branch.action === undefined) {
    if (!onlyActs(branch.level, action)) return 'conflict'
    branch.level = undefined
    branch.action = action
    return 'added'
  }
  if (branch.action === action) return 'added'
  // The upper word alone decides here; the rule that reaches further wins.
  const order = compareValues(fresh, existing)
  if (fresh.word & 1 && (side === 'yes' ? order > 0 : order < 0)) branch.action = action
  return isLeaf(existing) || isLeaf(fresh) ? 'conflict' : 'added'
}

/** Adds the tests below a new test to those below an equal existing one. */
const addBelow = (side: 'yes' | 'no', existing: Node, fresh: Node): Outcome | 'shorter' => {
  const level = fresh[side].level
  if (level === undefined) return 'added'
  const branch = existing[side]
  if (branch.level !== undefined) return addLevel(branch.level, level)
  if (branch.action !== undefined) return 'shorter'
  branch.level = level
  return 'added'
}

/** Adds the single test of a new chain's level to an existing level. */
const addLevel = (level: Level, chain: Level): Outcome => {
  const fresh = chain.nodes[0] as Node
  for (let i = 0; i < level.nodes.length; i++) {
    const existing = level.nodes[i] as Node
    if (sameTest(existing, fresh)) {
      if (addAction('yes', existing, fresh) === 'conflict' || addAction('no', existing, fresh) === 'conflict')
        return 'conflict'
      const below = addBelow('yes', existing, fresh)
      if (below !== 'added') return below === 'conflict' ? 'conflict' : 'added'
      return addBelow('no', existing, fresh) === 'conflict' ? 'conflict' : 'added'
    }
    if (isAfter(existing, fresh)) {
      level.nodes.splice(i, 0, fresh)
      return 'added'
    }
  }
  level.nodes.push(fresh)
  return 'added'
}

/** Adds a rule; 'conflict' where libseccomp refuses it with EEXIST. */
const addRule = (tree: RuleTree, rule: Rule, width: 32 | 64): Outcome => {
  if (tree.action !== undefined) return 'added'
  const conditions = comparing(rule, width)
  if (conditions.length === 0) {
    tree.root = undefined
    tree.action = rule.action
    return 'added'
  }
  const chain = chainOf(conditions, 0, rule.action, width)
  if (tree.root !== undefined) return addLevel(tree.root, chain)
  tree.root = chain
  return 'added'
}

/** Merges rules in the order of the profile; `conflict` is the first rule that contradicts an earlier one. */
export const mergeRules = (
  rules: readonly Rule[],
  width: 32 | 64,
): { readonly tree: RuleTree; readonly conflict: Rule | undefined } => {
  const tree: RuleTree = { action: undefined, root: undefined }
  for (const rule of rules) {
    if (addRule(tree, rule, width) === 'conflict') return { tree, conflict: rule }
  }
  return { tree, conflict: undefined }
}
