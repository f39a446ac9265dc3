/*
 * The combined meaning of several rules for one system call. The spec does not define it; libseccomp merges them into
 * a tree of 32-bit comparisons, and this file reproduces the order and the merging, so that conflicting rules
 * have the same winner as under runc: higher arguments first, equality before "less" before "greater", larger values
 * first; an unconditional rule overrides all others; equal conditions with different actions are refused.
 */
import type { Condition, Rule } from './profile.ts'
import { chainOf, comparing, type Level, type Node, RANK } from './rule-chain.ts'

/** The rules of one call on one architecture: one action, or a tree. */
export interface RuleTree {
  readonly action: number | undefined
  root: Level | undefined
  /** Rules that apply if none in the tree does. */
  readonly leftovers: Level[]
}

const sameTest = (a: Node, b: Node): boolean =>
  a.word === b.word && a.compare === b.compare && a.value === b.value && a.mask === b.mask

/** Whether `a` comes after `b` on a level. */
const isAfter = (a: Node, b: Node): boolean => {
  if (a.word !== b.word) return a.word < b.word
  const rank = RANK[a.condition.op]
  const other = RANK[b.condition.op]
  if (rank !== other) return rank < other
  return rank === 2 ? a.value > b.value : a.value < b.value
}

const isLeaf = (test: Node): boolean => test.yesLevel === undefined && test.noLevel === undefined

/** Whether every action below is this one. */
const onlyActs = (level: Level | undefined, action: number): boolean =>
  level === undefined ||
  level.nodes.every(
    (test) =>
      (test.yesAction === undefined || test.yesAction === action) &&
      (test.noAction === undefined || test.noAction === action) &&
      onlyActs(test.yesLevel, action) &&
      onlyActs(test.noLevel, action),
  )

/**
 * 'partial': libseccomp stops in the middle of a range of 64-bit values, and drops the rest of the rule. Here the rest
 * still applies where no other rule does, as the profile says.
 */
type Outcome = 'added' | 'conflict' | 'partial'

/** Which of two tests' 64-bit values is larger: negative, zero, positive. */
const compareValues = (a: Condition, b: Condition): number => (a.high === b.high ? a.low - b.low : a.high - b.high)

/** The names of an outcome's two fields. */
const SIDES = {
  yes: { action: 'yesAction', level: 'yesLevel' },
  no: { action: 'noAction', level: 'noLevel' },
} as const

/** Gives an existing test the action of a new one on this side. */
const addAction = (side: 'yes' | 'no', existing: Node, fresh: Node): Outcome => {
  const { action, level } = SIDES[side]
  const added = fresh[action]
  if (added === undefined || added === existing[action]) return 'added'
  if (existing[action] === undefined) {
    if (!onlyActs(existing[level], added)) return 'conflict'
    existing[level] = undefined
    existing[action] = added
    return 'added'
  }
  // The upper word alone decides here; the rule with the wider range wins.
  const order = compareValues(fresh.condition, existing.condition)
  if (fresh.word & 1 && (side === 'yes' ? order > 0 : order < 0)) existing[action] = added
  return isLeaf(existing) || isLeaf(fresh) ? 'conflict' : 'added'
}

/**
 * Adds the tests below a new test to those below an equal existing one, unless that has an action already: then an
 * earlier, shorter rule matches wherever the new one would.
 */
const addBelow = (side: 'yes' | 'no', existing: Node, fresh: Node): Outcome | 'shorter' => {
  const { action, level } = SIDES[side]
  const added = fresh[level]
  if (added === undefined) return 'added'
  const below = existing[level]
  if (below !== undefined) return addLevel(below, added)
  if (existing[action] !== undefined) return 'shorter'
  existing[level] = added
  return 'added'
}

/** Adds the part below a new test on either side. */
const addBoth = (existing: Node, fresh: Node): Outcome => {
  const yes = addBelow('yes', existing, fresh)
  if (yes === 'shorter') return fresh.noLevel === undefined ? 'added' : 'partial'
  if (yes === 'conflict') return 'conflict'
  const no = addBelow('no', existing, fresh)
  return no === 'shorter' || no === 'added' ? yes : no
}

/** Adds the single test of a new chain's level to an existing level. */
const addLevel = (level: Level, chain: Level): Outcome => {
  const fresh = chain.nodes[0] as Node
  for (let i = 0; i < level.nodes.length; i++) {
    const existing = level.nodes[i] as Node
    if (sameTest(existing, fresh)) {
      if (addAction('yes', existing, fresh) === 'conflict' || addAction('no', existing, fresh) === 'conflict')
        return 'conflict'
      return addBoth(existing, fresh)
    }
    if (isAfter(existing, fresh)) {
      level.nodes.splice(i, 0, fresh)
      return 'added'
    }
  }
  level.nodes.push(fresh)
  return 'added'
}

/** A rule to be merged: its effective conditions, in order. */
interface Merged {
  readonly conditions: readonly Condition[]
  readonly rule: Rule
}

const sameCondition = (a: Condition, b: Condition): boolean =>
  a.index === b.index &&
  a.op === b.op &&
  a.low === b.low &&
  a.high === b.high &&
  a.maskLow === b.maskLow &&
  a.maskHigh === b.maskHigh

/**
 * The number of conditions of a rule before those of a wider one with the same action, 0 if it does not contain them.
 * (Adding to the tree itself detects a rule whose additional conditions come after them.)
 */
const surplusBefore = (narrow: Merged, wide: Merged): number => {
  const surplus = narrow.conditions.length - wide.conditions.length
  if (narrow.rule.action !== wide.rule.action) return 0
  for (let skip = 1; skip <= surplus; ++skip) {
    const covers = (condition: Condition, i: number) =>
      sameCondition(condition, narrow.conditions[skip + i] as Condition)
    if (wide.conditions.every(covers)) return skip
  }
  return 0
}

/** Whether a rule's first conditions are those of another. */
const sharesPrefix = (a: Merged, b: Merged, count: number): boolean =>
  a.conditions.length >= count &&
  b.conditions.slice(0, count).every((condition, i) => sameCondition(condition, a.conditions[i] as Condition))

/**
 * The rules that remain after a wider one: those it covers are removed, if everything below their additional conditions
 * has the same action. This matters because removed rules cannot conflict with later ones.
 */
const withoutCovered = (merged: readonly Merged[], wide: Merged): Merged[] =>
  merged.filter((narrow) => {
    const skip = surplusBefore(narrow, wide)
    return (
      skip === 0 ||
      merged.some((other) => other.rule.action !== narrow.rule.action && sharesPrefix(other, narrow, skip))
    )
  })

/** Whether a rule need not be added: a wider one exists, with no other action. */
const isSuperfluous = (narrow: Merged, merged: readonly Merged[]): boolean =>
  merged.every(({ rule }) => rule.action === narrow.rule.action) &&
  merged.some((wide) => surplusBefore(narrow, wide) > 0)

const addToTree = (tree: RuleTree, { conditions, rule }: Merged, width: 32 | 64): Outcome => {
  const chain = chainOf(conditions, 0, rule.action, width)
  if (tree.root === undefined) {
    tree.root = chain
    return 'added'
  }
  const outcome = addLevel(tree.root, chain)
  if (outcome === 'partial') tree.leftovers.push(chainOf(conditions, 0, rule.action, width))
  return outcome
}

/** The tree of rules that are known to merge without conflict. */
const treeOf = (merged: readonly Merged[], width: 32 | 64): RuleTree => {
  const tree: RuleTree = { action: undefined, root: undefined, leftovers: [] }
  for (const one of merged) addToTree(tree, one, width)
  return tree
}

/** Merges rules in the order of the profile; `conflict` is the first rule that libseccomp refuses (EEXIST). */
export const mergeRules = (
  rules: readonly Rule[],
  width: 32 | 64,
): { readonly tree: RuleTree; readonly conflict: Rule | undefined } => {
  let tree: RuleTree = { action: undefined, root: undefined, leftovers: [] }
  let merged: Merged[] = []
  let longest = 0
  for (const rule of rules) {
    const one: Merged = { conditions: comparing(rule, width), rule }
    // An unconditional rule overrides all others, and the first of them the later ones.
    if (one.conditions.length === 0)
      return { tree: { action: rule.action, root: undefined, leftovers: [] }, conflict: undefined }
    const { length } = one.conditions
    if (length < longest) {
      const kept = withoutCovered(merged, one)
      if (kept.length < merged.length) {
        merged = kept
        tree = treeOf(merged, width)
      }
    }
    if (length > 1 && isSuperfluous(one, merged)) continue
    if (length > longest) longest = length
    merged.push(one)
    if (addToTree(tree, one, width) === 'conflict') return { tree, conflict: rule }
  }
  return { tree, conflict: undefined }
}
