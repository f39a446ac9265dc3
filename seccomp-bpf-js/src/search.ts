/*
 * A balanced search over system call numbers: ranges of numbers with one decision each become a tree of comparisons in
 * which every comparison halves the known calls that are left. Decisions by number alone come before everything else,
 * which is also what lets the kernel precompute them (its bitmap of calls that are always allowed).
 */
import { type Decision, type DecisionPool, WORD_NUMBER } from './decision.ts'
import { EQ, GE } from './rule-tree.ts'

/** Numbers from `start` up to the next range. `weight` is how many calls the architecture has there. */
export interface Range {
  readonly start: number
  readonly decision: Decision
  readonly weight: number
}

/** The search tree; `ranges` start at 0, ascend, and neighbours differ. */
export const searchTree = (ranges: readonly Range[], pool: DecisionPool): Decision => {
  /** Weight of the ranges before each one. */
  const before: number[] = [0]
  for (const range of ranges) before.push((before.at(-1) as number) + range.weight)
  const weightBefore = (i: number) => before[i] as number
  const range = (i: number) => ranges[i] as Range

  /** The boundary that parts the weight best, within what the allowed depth can still hold on either side. */
  const middle = (first: number, last: number, depth: number): number => {
    const room = 2 ** (depth - 1)
    const lowest = Math.max(first + 1, last + 1 - room)
    const highest = Math.min(last, first + room)
    const half = (weightBefore(first) + weightBefore(last + 1)) / 2
    let low = lowest
    let high = highest
    while (low < high) {
      const at = (low + high) >> 1
      if (weightBefore(at) < half) low = at + 1
      else high = at
    }
    return low > lowest && half - weightBefore(low - 1) < weightBefore(low) - half ? low - 1 : low
  }

  const build = (first: number, last: number, depth: number): Decision => {
    const { decision } = range(first)
    if (first === last) return decision
    // One call that differs from its surroundings needs one comparison, not two.
    if (last === first + 2 && range(last).decision === decision && range(last).start === range(first + 1).start + 1)
      return pool.branch(WORD_NUMBER, EQ, range(first + 1).start, range(first + 1).decision, decision)
    const at = middle(first, last, depth)
    const no = build(first, at - 1, depth - 1)
    const yes = build(at, last, depth - 1)
    return pool.branch(WORD_NUMBER, GE, range(at).start, yes, no)
  }

  return build(0, ranges.length - 1, Math.ceil(Math.log2(ranges.length)) + 1)
}
