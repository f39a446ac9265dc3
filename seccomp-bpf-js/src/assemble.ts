/*
 * Decisions to instructions of classic BPF (Documentation/userspace-api/seccomp_filter.rst; linux/bpf_common.h): order,
 * loads, and jumps. Conditional jumps reach 255 instructions forward, so far targets get a copy of a return or a long
 * jump. What the decisions are is none of this file's business.
 */
import { type Decision, type Leaf, type Test, WORD_ARCH, WORD_NUMBER } from './decision.ts'
import { GE, GT, MASKED } from './rule-tree.ts'

export const BPF_LD_W_ABS = 0x20
export const BPF_AND_K = 0x54
export const BPF_JA = 0x05
export const BPF_JEQ_K = 0x15
export const BPF_JGT_K = 0x25
export const BPF_JGE_K = 0x35
export const BPF_JSET_K = 0x45
export const BPF_RET_K = 0x06

/** One `struct sock_filter`. */
export interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

const FULL = 0xffffffff
const REACH = 255

/** Offset of a word in `struct seccomp_data`. */
const offsetOf = (word: number, endian: 'little' | 'big'): number => {
  if (word === WORD_NUMBER) return 0
  if (word === WORD_ARCH) return 4
  const half = endian === 'little' ? word & 1 : 1 - (word & 1)
  return 16 + 8 * (word >> 1) + 4 * half
}

/** How a test is written: some masked tests need no AND and leave the whole word in the accumulator. */
const instructionOf = (test: Test): { readonly code: number; readonly k: number; readonly turned: boolean } => {
  switch (test.compare) {
    case GT:
      return { code: BPF_JGT_K, k: test.value, turned: false }
    case GE:
      return { code: BPF_JGE_K, k: test.value, turned: false }
    case MASKED:
      if (test.value === 0) return { code: BPF_JSET_K, k: test.mask, turned: true }
      if (test.value === test.mask && (test.mask & (test.mask - 1)) === 0)
        return { code: BPF_JSET_K, k: test.mask, turned: false }
      return { code: BPF_JEQ_K, k: test.value, turned: false }
    default:
      return { code: BPF_JEQ_K, k: test.value, turned: false }
  }
}

/** The accumulator a test wants and leaves: the word's mask, all ones for the whole word. */
const maskOf = (test: Test): number => (test.compare === MASKED && instructionOf(test).code === BPF_JEQ_K ? test.mask : FULL)

/** Where a test can be entered, counted from the end of the program; undefined when nobody enters there. */
interface Entry {
  compare: number
  mask: number
  load: number
}

/** Ways of entering a test that its predecessors need. */
const NEED_MASK = 1
const NEED_LOAD = 2

/** Which of the three entries a jump from `from` to `to` takes. */
const entryOf = (from: Test | undefined, to: Test): 'compare' | 'mask' | 'load' => {
  if (from === undefined || from.word !== to.word) return 'load'
  const has = maskOf(from)
  const wants = maskOf(to)
  if (has === wants) return 'compare'
  return has === FULL ? 'mask' : 'load'
}

/** Writes the program backwards, the last instruction first, so that every jump target is known. */
export const assemble = (root: Decision, endian: 'little' | 'big'): readonly Instruction[] => {
  const out: Instruction[] = []
  const returns = new Map<number, number>()
  const entries = new Map<Test, Entry>()
  const jumps = new Map<number, number>()
  const needs = needsOf(root)

  const putReturn = (leaf: Leaf): number => {
    out.push({ code: BPF_RET_K, jt: 0, jf: 0, k: leaf.action })
    returns.set(leaf.action, out.length)
    return out.length
  }

  /** Position of a target, counted from the end, 1 for the last instruction; near enough for a jump from here. */
  const reach = (from: Test, to: Decision): number => {
    if (to.kind === 'leaf') {
      const at = returns.get(to.action)
      return at !== undefined && out.length - at <= REACH ? at : putReturn(to)
    }
    const entry = entries.get(to) as Entry
    const at = entry[entryOf(from, to)]
    if (out.length - at <= REACH) return at
    const jump = jumps.get(at)
    if (jump !== undefined && out.length - jump <= REACH) return jump
    out.push({ code: BPF_JA, jt: 0, jf: 0, k: out.length - at })
    jumps.set(at, out.length)
    return out.length
  }

  const put = (test: Test): void => {
    const { code, k, turned } = instructionOf(test)
    const yes = turned ? test.no : test.yes
    const no = turned ? test.yes : test.no
    let jt = 0
    let jf = 0
    // What is put in to reach one target may move the other out of reach.
    do {
      jt = reach(test, yes)
      jf = reach(test, no)
    } while (out.length - jt > REACH || out.length - jf > REACH)
    out.push({ code, jt: out.length - jt, jf: out.length - jf, k })
    const entry: Entry = { compare: out.length, mask: 0, load: 0 }
    const need = needs.get(test) as number
    const mask = maskOf(test)
    if (mask !== FULL && need !== 0) out.push({ code: BPF_AND_K, jt: 0, jf: 0, k: mask })
    entry.mask = out.length
    if (need & NEED_LOAD) out.push({ code: BPF_LD_W_ABS, jt: 0, jf: 0, k: offsetOf(test.word, endian) })
    entry.load = out.length
    entries.set(test, entry)
  }

  const emit = (decision: Decision): void => {
    if (decision.kind === 'leaf' || entries.has(decision)) return
    // The native architecture follows its test immediately; the others may cost a long jump.
    const near = decision.word === WORD_ARCH ? 'yes' : 'no'
    emit(near === 'yes' ? decision.no : decision.yes)
    emit(decision[near])
    put(decision)
  }

  if (root.kind === 'leaf') putReturn(root)
  else emit(root)
  return out.reverse()
}

/** For each test, which entries beside the comparison itself are jumped to. */
const needsOf = (root: Decision): ReadonlyMap<Test, number> => {
  const needs = new Map<Test, number>()
  const visit = (from: Test | undefined, to: Decision): void => {
    if (to.kind === 'leaf') return
    const entry = entryOf(from, to)
    const need = entry === 'load' ? NEED_LOAD : entry === 'mask' ? NEED_MASK : 0
    const known = needs.get(to)
    needs.set(to, (known ?? 0) | need)
    if (known !== undefined) return
    visit(to, to.yes)
    visit(to, to.no)
  }
  visit(undefined, root)
  return needs
}

/** Instructions as the kernel reads them: `struct sock_filter` in the machine's byte order. */
export const encodeFilter = (program: readonly Instruction[], endian: 'little' | 'big'): Uint8Array => {
  const bytes = new Uint8Array(8 * program.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < program.length; i++) {
    const { code, jt, jf, k } = program[i] as Instruction
    view.setUint16(8 * i, code, endian === 'little')
    bytes[8 * i + 2] = jt
    bytes[8 * i + 3] = jf
    view.setUint32(8 * i + 4, k, endian === 'little')
  }
  return bytes
}
