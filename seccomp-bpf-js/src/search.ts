/*
 * A balanced search over system call numbers: ranges of numbers with one outcome each become a tree of comparisons in
 * which every comparison halves the remaining known calls. Decisions by number alone come before everything else, so
 * that the kernel can precompute them (its bitmap of calls that are always allowed).
 */
import { BPF_JEQ_K, BPF_JGE_K, type ProgramWriter } from './program.ts'

/**
 * Ranges of numbers, ascending from 0, with different outcomes of neighbours. Parallel lists, because there are
 * hundreds of ranges and this runs at every start of a container. Outcomes are small integers, which are only compared
 * for equality.
 */
export interface Ranges {
  readonly starts: number[]
  readonly outcomes: number[]
  /** The number of the architecture's calls in the range. */
  readonly weights: number[]
}

/** Starts a range with `outcome` at `start`, at or beyond the last start. */
export const addRange = (
  { starts, outcomes, weights }: Ranges,
  start: number,
  outcome: number,
  weight: number,
): void => {
  let end = starts.length
  if (end > 0 && starts[end - 1] === start) {
    end -= 1
    starts.length = outcomes.length = weights.length = end
  }
  if (end > 0 && outcomes[end - 1] === outcome) weights[end - 1] = (weights[end - 1] as number) + weight
  else {
    starts[end] = start
    outcomes[end] = outcome
    weights[end] = weight
  }
}

/** Writes the search and returns its target; at its start the number is in the accumulator. */
export const writeSearch = ({ starts, outcomes, weights }: Ranges, writer: ProgramWriter): number => {
  const { jump } = writer
  /** Weight of the ranges before each one. */
  const before: number[] = [0]
  let sum = 0
  for (const weight of weights) {
    sum += weight
    before.push(sum)
  }

  const write = (first: number, last: number, depth: number): number => {
    const outcome = outcomes[first] as number
    if (last === first) return ~outcome
    if (last === first + 1) return jump(BPF_JGE_K, starts[last] as number, ~(outcomes[last] as number), ~outcome)
    let at = first + 1
    if (last === first + 2) {
      // One call that differs from its neighbours needs one comparison, not two.
      const only = starts[at] as number
      if (outcomes[last] === outcome && starts[last] === only + 1)
        return jump(BPF_JEQ_K, only, ~(outcomes[at] as number), ~outcome)
      if ((weights[first] as number) < (weights[last] as number)) at = last
    } else at = parting(before, first, last, 1 << (depth - 1))
    const yes = at === last ? ~(outcomes[last] as number) : write(at, last, depth - 1)
    return jump(BPF_JGE_K, starts[at] as number, yes, at === first + 1 ? ~outcome : write(first, at - 1, depth - 1))
  }

  return write(0, starts.length - 1, Math.ceil(Math.log2(starts.length)) + 1)
}

/** The boundary that divides the weight best, if either side can hold `room` ranges. */
const parting = (before: readonly number[], first: number, last: number, room: number): number => {
  let low = first + 1
  let high = last
  if (low < last + 1 - room) low = last + 1 - room
  if (high > first + room) high = first + room
  const half = ((before[first] as number) + (before[last + 1] as number)) / 2
  let below = low - 1
  while (low < high) {
    const at = (low + high) >> 1
    if ((before[at] as number) < half) {
      below = at
      low = at + 1
    } else high = at
  }
  // `low` is the first boundary with half the weight below it; the one before may be closer, if it is allowed.
  return below === low - 1 &&
    below > first &&
    below + room > last &&
    half - (before[below] as number) < (before[low] as number) - half
    ? below
    : low
}
