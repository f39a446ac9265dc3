/*
 * One rule as tests of 32-bit words: libseccomp's comparisons, their order, and the outcomes for which the rule holds.
 */
import type { Condition, Rule } from './profile.ts'
import type { Operator } from './seccomp.ts'

/** A mask of all bits of a word. */
export const FULL = 0xffffffff

/** Comparison of a word: all seven operators are expressed by these and the choice of the branch. */
export const EQ = 0
export const GT = 1
export const GE = 2
export const MASKED = 3

/** Tests tried in order until one of them leads to an action. */
export interface Level {
  readonly nodes: Node[]
}

/** A test of one word of an argument. Each outcome leads to an action, more tests, or the next test of the level. */
export interface Node {
  /** Twice the argument's index, plus one for the upper word. */
  readonly word: number
  readonly compare: number
  readonly mask: number
  readonly value: number
  /** The condition it is part of: its operator decides the order on a level, its value settles some conflicts. */
  readonly condition: Condition
  yesAction?: number | undefined
  yesLevel?: Level | undefined
  noAction?: number | undefined
  noLevel?: Level | undefined
}

export const RANK: Readonly<Record<Operator, number>> = {
  SCMP_CMP_EQ: 3,
  SCMP_CMP_NE: 3,
  SCMP_CMP_MASKED_EQ: 3,
  SCMP_CMP_LE: 2,
  SCMP_CMP_LT: 2,
  SCMP_CMP_GE: 1,
  SCMP_CMP_GT: 1,
}

const lowNode = (condition: Condition, compare: number): Node => ({
  word: 2 * condition.index,
  compare,
  mask: condition.maskLow,
  value: (condition.low & condition.maskLow) >>> 0,
  condition,
})

const highNode = (condition: Condition, compare: number): Node => ({
  word: 2 * condition.index + 1,
  compare,
  mask: condition.maskHigh,
  value: (condition.high & condition.maskHigh) >>> 0,
  condition,
})

/** NE, LT and LE are EQ, GE and GT with swapped outcomes. */
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

/** Conditions that compare something, arguments in ascending order. */
export const comparing = (rule: Rule, width: 32 | 64): readonly Condition[] => {
  const [only] = rule.conditions
  if (rule.conditions.length === 1 && only?.maskLow === 0xffffffff) return rule.conditions
  // A mask without bits compares nothing.
  const useful = rule.conditions.filter(({ maskLow, maskHigh }) => maskLow !== 0 || (width === 64 && maskHigh !== 0))
  return useful.length < 2 ? useful : useful.sort((a, b) => a.index - b.index)
}

/** Connects an outcome of a test to the tests of the rule's next condition or to its action. */
const leadOn = (
  node: Node,
  side: 'yes' | 'no',
  conditions: readonly Condition[],
  next: number,
  action: number,
  width: 32 | 64,
) => {
  const level = next < conditions.length ? chainOf(conditions, next, action, width) : undefined
  if (level === undefined) {
    if (side === 'yes') node.yesAction = action
    else node.noAction = action
  } else if (side === 'yes') node.yesLevel = level
  else node.noLevel = level
}

/** The tests of conditions from `at` on. A condition may hold on two outcomes, and each gets its own tests below. */
export const chainOf = (conditions: readonly Condition[], at: number, action: number, width: 32 | 64): Level => {
  const condition = conditions[at] as Condition
  const compare = COMPARE[condition.op]
  const side = turned(condition.op) ? 'no' : 'yes'
  const low = lowNode(condition, compare)
  leadOn(low, side, conditions, at + 1, action, width)
  if (width === 32) return { nodes: [low] }
  const ordered = compare === GT || compare === GE
  const same = highNode(condition, ordered ? EQ : compare)
  same.yesLevel = { nodes: [low] }
  if (side === 'no') leadOn(same, 'no', conditions, at + 1, action, width)
  if (!ordered) return { nodes: [same] }
  const above = highNode(condition, GT)
  above.noLevel = { nodes: [same] }
  if (side === 'yes') leadOn(above, 'yes', conditions, at + 1, action, width)
  return { nodes: [above] }
}
