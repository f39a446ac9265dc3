/*
 * Removes tests of a decision whose outcome is known from the path to them, such as a second comparison of the same
 * upper word with zero.
 */
import type { Decision, DecisionPool, Test } from './decision.ts'
import { EQ, FULL, GE, GT, MASKED } from './rule-chain.ts'

/** An earlier test on the path, and its outcome. */
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

/** The range of a word after a comparison of it. */
const narrow = ({ low, high }: Span, { test: { compare, value }, outcome }: Fact): Span => {
  const holds = outcome === 'yes'
  if (compare === EQ && holds) return { low: value, high: value }
  if (compare === GT && holds) return { low: Math.max(low, value + 1), high }
  if (compare === GT) return { low, high: Math.min(high, value) }
  if (compare === GE && holds) return { low: Math.max(low, value), high }
  if (compare === GE) return { low, high: Math.min(high, value - 1) }
  return { low, high }
}

/** The number of latest facts that are considered; knowing fewer is never wrong. */
const FACTS = 32

/** The outcome of a test given the facts, undefined if either is possible. */
const implied = (test: Test, facts: Fact | undefined): 'yes' | 'no' | undefined => {
  let span: Span = { low: 0, high: FULL }
  let looked = 0
  for (let fact = facts; fact !== undefined && looked < FACTS; fact = fact.earlier) {
    looked += 1
    if (fact.test.word !== test.word) continue
    span = narrow(span, fact)
    const known = sameMask(fact, test, fact.test.mask)
    if (known !== undefined) return known
  }
  return impliedBySpan(test, span, facts)
}

/** What a masked comparison implies for another comparison of the same word. */
const sameMask = (fact: Fact, test: Test, mask: number): 'yes' | 'no' | undefined => {
  const { compare, value } = fact.test
  if (compare !== MASKED && compare !== EQ) return undefined
  if (test.compare !== MASKED && test.compare !== EQ) return undefined
  if (fact.outcome === 'yes') {
    // All bits of `test` are known if its mask is within the fact's; otherwise only a difference is.
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
  // Equalities that failed at the ends narrow the range.
  let looked = 0
  for (let fact = facts; fact !== undefined && looked < FACTS; fact = fact.earlier) {
    looked += 1
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

/** Removes tests whose outcome is known from the path. Bounded: gives up on graphs that would grow. */
export const simplify = (root: Decision, pool: DecisionPool): Decision => {
  let budget = 4000
  const walk = (start: Decision, before: Fact | undefined): Decision => {
    const chain: { readonly test: Test; readonly yes: Decision }[] = []
    let facts = before
    let at = follow(start, facts)
    // A loop along the failing outcomes: hundreds of conditions on one argument make them that deep.
    while (at.kind === 'test' && budget > 0) {
      budget -= 1
      chain.push({ test: at, yes: walk(at.yes, { test: at, outcome: 'yes', earlier: facts }) })
      facts = { test: at, outcome: 'no', earlier: facts }
      at = follow(at.no, facts)
    }
    for (let i = chain.length - 1; i >= 0; --i) {
      const { test, yes } = chain[i] as { test: Test; yes: Decision }
      const same = yes === test.yes && at === test.no
      at = same ? test : pool.test(test.word, test.compare, test.mask, test.value, yes, at)
    }
    return at
  }
  return walk(root, undefined)
}
