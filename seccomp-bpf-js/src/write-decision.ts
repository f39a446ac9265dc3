/*
 * Decisions as instructions: every word of an argument is loaded and masked only where the accumulator does not have it.
 */
import type { Decision, Test } from './decision.ts'
import { BPF_AND_K, BPF_JEQ_K, BPF_JGE_K, BPF_JGT_K, BPF_JSET_K, BPF_LD_W_ABS, type ProgramWriter } from './program.ts'
import { FULL, MASKED } from './rule-chain.ts'

const CODES = [BPF_JEQ_K, BPF_JGT_K, BPF_JGE_K, BPF_JEQ_K]

/** Labels of a test: entered with its word under its mask in the accumulator, with the word, or with anything. */
interface Entry {
  readonly compare: number
  readonly mask: number
  readonly load: number
}

/** Entries beside the comparison itself that a test's predecessors need, as bits. */
const NEEDS_MASK = 1
const NEEDS_LOAD = 2

const needFrom = (from: Test | undefined, to: Test): number => {
  if (from === undefined || from.word !== to.word) return NEEDS_LOAD
  if (from.leaves === to.leaves) return 0
  return from.leaves === FULL ? NEEDS_MASK : NEEDS_LOAD
}

/** Goes down the failing outcomes by a loop: hundreds of conditions on one argument are that deep. */
const collectNeeds = (root: Decision, needs: Map<Test, number>): void => {
  const visit = (origin: Test | undefined, start: Decision): void => {
    let from = origin
    let to = start
    while (to.kind === 'test') {
      const need = needFrom(from, to)
      const known = needs.get(to)
      if (known !== undefined) {
        needs.set(to, known | need)
        return
      }
      needs.set(to, need)
      visit(to, to.yes)
      from = to
      to = to.no
    }
  }
  visit(undefined, root)
}

/** Offset of an argument's word in `struct seccomp_data`. */
const offsetOf = (word: number, endian: 'little' | 'big'): number => {
  const half = endian === 'little' ? word & 1 : 1 - (word & 1)
  return 16 + 8 * (word >> 1) + 4 * half
}

/** Writes a decision; answers the label at which it begins, whatever the accumulator holds. */
export const writeDecision = (root: Decision, writer: ProgramWriter, endian: 'little' | 'big'): number => {
  const needs = new Map<Test, number>()
  const entries = new Map<Test, Entry>()
  collectNeeds(root, needs)

  const labelOf = (from: Test | undefined, to: Decision): number => {
    if (to.kind === 'leaf') return writer.ret(to.action)
    const entry = entries.get(to) as Entry
    const need = needFrom(from, to)
    return need === 0 ? entry.compare : need === NEEDS_MASK ? entry.mask : entry.load
  }

  const write = (first: Test): void => {
    const chain: Test[] = []
    let at: Decision = first
    while (at.kind === 'test' && !entries.has(at)) {
      chain.push(at)
      at = at.no
    }
    for (let i = chain.length - 1; i >= 0; --i) {
      const { yes } = chain[i] as Test
      if (yes.kind === 'test' && !entries.has(yes)) write(yes)
      writeTest(chain[i] as Test)
    }
  }

  const writeTest = (test: Test): void => {
    const { yes, no, compare, mask, value, leaves, word } = test
    const toYes = labelOf(test, yes)
    const toNo = labelOf(test, no)
    const bits = compare === MASKED && leaves === FULL
    let at: number
    if (!bits) at = writer.jump(CODES[compare] as number, value, toYes, toNo)
    else if (value === 0) at = writer.jump(BPF_JSET_K, mask, toNo, toYes)
    else at = writer.jump(BPF_JSET_K, mask, toYes, toNo)
    const need = needs.get(test) as number
    const masked = leaves !== FULL && need !== 0 ? writer.step(BPF_AND_K, mask) : at
    const load = need & NEEDS_LOAD ? writer.step(BPF_LD_W_ABS, offsetOf(word, endian)) : masked
    entries.set(test, { compare: at, mask: masked, load })
  }

  if (root.kind === 'test') write(root)
  return labelOf(undefined, root)
}
