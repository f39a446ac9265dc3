/*
 * Writes a classic BPF program (Documentation/userspace-api/seccomp_filter.rst, linux/bpf_common.h) backwards, the last
 * instruction first, so that every jump target is known when the jump is written. Labels count from the end. Conditional
 * jumps reach 255 instructions; beyond that they use a copy of a return, or a long jump.
 */

/** The kernel's BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096

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

/**
 * Prepends instructions to a program; each method returns the label of the instruction. A target is a label, or `~id`
 * for an outcome, which is written when it is first needed, and again if it is out of reach.
 */
export interface ProgramWriter {
  /** A return of this value; reuses an existing one if it can be reached. */
  readonly ret: (value: number) => number
  readonly jump: (code: number, k: number, yes: number, no: number) => number
  /** LD or AND: the label written last follows. */
  readonly step: (code: number, k: number) => number
  /** Makes a target the next instruction, with a long jump unless it already is. */
  readonly goto: (target: number) => number
  readonly count: () => number
  /** `struct sock_filter[]`; invalid if there are more than MAX_INSTRUCTIONS. */
  readonly encode: (endian: 'little' | 'big') => Uint8Array
}

const REACH = 255
const SIZE = 2 * MAX_INSTRUCTIONS

export const programWriter = (writeOutcome: (id: number, writer: ProgramWriter) => number): ProgramWriter => {
  /** Filled from the end: code and offsets in one word, as on a little-endian machine, then k. */
  const words = new Uint32Array(SIZE)
  const returns = new Map<number, number>()
  const jumps = new Map<number, number>()
  /** The last label of each outcome. */
  const labels: number[] = []
  let count = 0

  const put = (first: number, k: number): number => {
    count += 1
    const at = SIZE - 2 * count
    words[at] = first
    words[at + 1] = k
    return count
  }

  const ret = (value: number): number => {
    const label = returns.get(value)
    if (label !== undefined && count - label < REACH) return label
    put(BPF_RET_K, value)
    returns.set(value, count)
    return count
  }

  /** A label within reach that is equivalent to `target`. */
  const near = (target: number): number => {
    const label = target < 0 ? outcomeLabel(~target) : target
    if (count - label <= REACH) return label
    const at = SIZE - 2 * label
    if (words[at] === BPF_RET_K) {
      const copy = ret(words[at + 1] as number)
      if (target < 0) labels[~target] = copy
      return copy
    }
    const known = jumps.get(label)
    if (known !== undefined && count - known <= REACH) return known
    put(BPF_JA, count - label)
    jumps.set(label, count)
    return count
  }

  const outcomeLabel = (id: number): number => {
    const known = labels[id]
    if (known !== undefined) return known
    const label = writeOutcome(id, writer)
    labels[id] = label
    return label
  }

  const jump = (code: number, k: number, yes: number, no: number): number => {
    let jt = yes < 0 ? (labels[~yes] as number) : yes
    let jf = no < 0 ? (labels[~no] as number) : no
    // Not written yet (undefined, so the sum is NaN), or too far. An instruction inserted for one may move the other
    // out of reach.
    while (!(count - jt <= REACH && count - jf <= REACH)) {
      jt = near(yes)
      jf = near(no)
    }
    const at = SIZE - 2 - 2 * count
    words[at] = code + (count - jt) * 0x10000 + (count - jf) * 0x1000000
    words[at + 1] = k
    count += 1
    return count
  }

  const encode = (endian: 'little' | 'big'): Uint8Array => {
    const own = words.slice(SIZE - 2 * count)
    const bytes = new Uint8Array(own.buffer)
    const machine = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 'little' : 'big'
    if (endian !== 'little' || machine !== 'little') swap(own, bytes, endian)
    return bytes
  }

  const goto = (target: number): number => {
    const label = target < 0 ? outcomeLabel(~target) : target
    return label === count ? label : put(BPF_JA, count - label)
  }

  const writer: ProgramWriter = { ret, jump, step: put, goto, count: () => count, encode }
  return writer
}

/** Copies words to bytes, swapped if the target or this machine is big-endian. */
const swap = (words: Uint32Array, bytes: Uint8Array, endian: 'little' | 'big'): void => {
  const view = new DataView(bytes.buffer)
  const program = Array.from(words)
  for (let i = 0; i < program.length; i += 2) {
    const first = program[i] as number
    view.setUint16(4 * i, first & 0xffff, endian === 'little')
    view.setUint8(4 * i + 2, (first >>> 16) & 255)
    view.setUint8(4 * i + 3, first >>> 24)
    view.setUint32(4 * i + 4, program[i + 1] as number, endian === 'little')
  }
}

/** Reads `struct sock_filter[]`. */
export const decodeFilter = (filter: Uint8Array, endian: 'little' | 'big'): readonly Instruction[] => {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength)
  const little = endian === 'little'
  const program: Instruction[] = []
  for (let at = 0; at + 8 <= filter.length; at += 8)
    program.push({
      code: view.getUint16(at, little),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, little),
    })
  return program
}
