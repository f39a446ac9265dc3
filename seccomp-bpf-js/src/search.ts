/*
 * A balanced search over system call numbers: ranges of numbers with one outcome each become a tree of comparisons in
 * which every comparison halves the known calls that are left. Decisions by number alone come before everything else,
 * which is also what lets the kernel precompute them (its bitmap of calls that are always allowed).
 */
import { BPF_JEQ_K, BPF_JGE_K, type ProgramWriter } from './program.ts'

/**
 * Ranges of numbers, ascending from 0, neighbours different. Parallel lists, because there are hundreds of ranges and
 * this runs at every start of a container. Outcomes are small integers, of which only equality matters here.
 */
export interface Ranges {
  readonly starts: number[]
  readonly outcomes: number[]
  /** How many calls the architecture has in the range. */
  readonly weights: number[]
}

/** Lets `outcome` begin at `start`, at or beyond the last start. */
export const addRange = ({ starts, outcomes, weights }: Ranges, start: number, outcome: number, weight: number): void => {
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

/** Writes the search; the number is in the accumulator where it begins. `labelOf` writes what an outcome does. */
export const writeSearch = (ranges: Ranges, writer: ProgramWriter, labelOf: (outcome: number) => number): number => {
  const { starts, outcomes, weights } = ranges
  const { jump } = writer
  /** Weight of the ranges before each one. */
  const before: number[] = [0]
  let sum = 0
  for (let i = 0; i < weights.length; ++i) {
    sum += weights[i] as number
    before[i + 1] = sum
  }

  const write = (first: number, last: number, depth: number): number => {
    if (first === last) return labelOf(outcomes[first] as number)
    let at = last
    if (last > first + 1) {
      const outcome = outcomes[first] as number
      const only = starts[first + 1] as number
      // One call that differs from its surroundings needs one comparison, not two.
      if (last === first + 2 && starts[last] === only + 1 && outcomes[last] === outcome) {
        const otherwise = labelOf(outcome)
        return jump(BPF_JEQ_K, only, labelOf(outcomes[first + 1] as number), otherwise)
      }
      at = parting(before, first, last, 1 << (depth - 1))
    }
    const yes = write(at, last, depth - 1)
    return jump(BPF_JGE_K, starts[at] as number, yes, write(first, at - 1, depth - 1))
  }

  return write(0, starts.length - 1, Math.ceil(Math.log2(starts.length)) + 1)
}

/** The boundary that parts the weight best, when either side can hold `room` ranges. */
const parting = (before: readonly number[], first: number, last: number, room: number): number => {
  const lowest = first + 1 > last + 1 - room ? first + 1 : last + 1 - room
  let low = lowest
  let high = last < first + room ? last : first + room
  const twice = (before[first] as number) + (before[last + 1] as number)
  while (low < high) {
    const at = (low + high) >> 1
    if (2 * (before[at] as number) < twice) low = at + 1
    else high = at
  }
  return low > lowest && twice < (before[low] as number) + (before[low - 1] as number) ? low - 1 : low
}
