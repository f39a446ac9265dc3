/*
 * Which calls have which rules: the names of a profile become indexes, rules of repeated names are joined, and
 * socketcall(2) and ipc(2) get the rules of the calls behind them. The loop over the names is written for an interpreter
 * without a JIT, because it runs at every start of a container.
 */
import type { CheckedProfile, Rule } from './profile.ts'
import { INDEXES } from './syscall-tables.ts'
import { multiplexedAt } from './syscalls.ts'

export type Rules = readonly Rule[]

/** The rules of calls, by the index of the name: a number for a list of rules, 0 for none. */
export type CallRules = Uint32Array

export interface RuleBook {
  readonly calls: CallRules
  readonly lists: Rules[]
  /** Calls without the common rules. */
  readonly special: Set<number>
  /** The list of most calls; 0 counts as this list, too. */
  readonly common: number
  /** Calls whose rules have the default action, which are left out of the rules. */
  readonly redundant: ReadonlySet<number>
  readonly unknown: readonly string[]
}

export const CALLS = Object.keys(INDEXES).length

export const isUnconditional = (rules: Rules): boolean => (rules[0] as Rule).conditions.length === 0

export const readRules = (profile: CheckedProfile, badName: (source: number, at: number) => void): RuleBook => {
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

/**
 * A rule for a call behind socketcall(2) or ipc(2): the first argument is the call, so a condition on it is dropped.
 */
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

/** The rules of an architecture with socketcall(2) and ipc(2): these two get the rules of the calls behind them. */
export const withMultiplexed = (profile: CheckedProfile, book: RuleBook): CallRules => {
  const { calls, lists, special } = book
  let changed: CallRules | undefined
  for (const [through, first] of [
    ['socketcall', 100],
    ['ipc', 200],
  ] as const) {
    const index = INDEXES[through] as number
    const own = lists[calls[index] as number] as Rules
    // The common case: all calls that the profile names are allowed.
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
