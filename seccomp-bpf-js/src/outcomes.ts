/*
 * The result of a call as a small integer for the search: the outcome of its rules on one architecture. Also decides
 * the outcome of numbers between the calls.
 */
import { BAD_ARCHITECTURE, RETURN_ENOSYS, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE } from './actions.ts'
import { type Decision, type DecisionPool, decide, decisionPool } from './decision.ts'
import type { Rule } from './profile.ts'
import { isUnconditional, type Rules } from './rule-book.ts'
import { mergeRules } from './rule-tree.ts'

/** The result of a call: an action as the filter returns it, or a decision about its arguments. */
export type Outcome = number | Decision

/** Outcomes as small integers: indexes of `list`, deduplicated. */
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

/** What the architectures share. */
export interface Merging {
  readonly pool: DecisionPool
  readonly outcomes: Outcomes
  /** The default action, the results of calls newer than all in the profile and of calls of foreign architectures. */
  readonly fallback: number
  readonly otherwise: number
  readonly enosys: number | undefined
  readonly bad: number
  readonly conflict: (rule: Rule, index: number) => void
  readonly lists: readonly Rules[]
  /** Outcomes of lists of rules, by width. */
  readonly decided: Record<32 | 64, number[]>
}

/** Rules with one action cannot conflict, and one without conditions makes the others superfluous. */
const plainAction = (rules: Rules): number | undefined => {
  const action = (rules[0] as Rule).action
  let unconditional = false
  for (const rule of rules) {
    if (rule.action !== action) return undefined
    if (rule.conditions.length === 0) unconditional = true
  }
  return unconditional ? action : undefined
}

/** The outcome of a list of rules; `index` is a call with this list, for messages. */
export const outcomeOf = (list: number, index: number, width: 32 | 64, merging: Merging): number => {
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

/** Whether calls newer than the newest one in the profile get ENOSYS, so that programs fall back to an older call. */
const answersEnosys = (action: number): boolean => {
  const kind = (action & 0xffff0000) >>> 0
  return kind !== SECCOMP_RET_ALLOW && kind !== SECCOMP_RET_LOG && kind !== SECCOMP_RET_TRACE
}

export const newMerging = (defaultAction: number, lists: readonly Rules[], conflict: Merging['conflict']): Merging => {
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
