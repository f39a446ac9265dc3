/*
 * Runs a filter on one system call, like the kernel's classic BPF (net/core/filter.c, as far as seccomp allows it), and
 * counts the executed instructions. For tests, for `explain`, and for checks without loading a filter.
 */
import type { Instruction } from './program.ts'

/** A system call as the filter sees it: `struct seccomp_data`. */
export interface SyscallRecord {
  /** AUDIT_ARCH_* */
  readonly arch: number
  readonly number: number
  readonly args: readonly (bigint | number)[]
  readonly instructionPointer?: bigint
}

/** The filter's return value, and the number of executed instructions. */
export interface Simulation {
  readonly action: number
  readonly executed: number
}

/** `struct seccomp_data` as 16 words of 32 bits. */
const wordsOf = (record: SyscallRecord, endian: 'little' | 'big'): Uint32Array => {
  const words = new Uint32Array(16)
  words[0] = record.number
  words[1] = record.arch
  const put = (at: number, value: bigint) => {
    const high = Number((value >> 32n) & 0xffffffffn)
    const low = Number(value & 0xffffffffn)
    words[at] = endian === 'little' ? low : high
    words[at + 1] = endian === 'little' ? high : low
  }
  put(2, record.instructionPointer ?? 0n)
  for (let i = 0; i < 6; i++) put(4 + 2 * i, BigInt.asUintN(64, BigInt(record.args[i] ?? 0)))
  return words
}

const compute = (operation: number, a: number, b: number): number => {
  switch (operation) {
    case 0x00:
      return a + b
    case 0x10:
      return a - b
    case 0x20:
      return Math.imul(a, b)
    case 0x30:
      return b === 0 ? 0 : a / b
    case 0x40:
      return a | b
    case 0x50:
      return a & b
    case 0x60:
      return a << (b & 31)
    case 0x70:
      return a >>> (b & 31)
    case 0x80:
      return -a
    default:
      return a ^ b
  }
}

const compare = (operation: number, a: number, b: number): boolean => {
  switch (operation) {
    case 0x10:
      return a === b
    case 0x20:
      return a > b
    case 0x30:
      return a >= b
    default:
      return (a & b) !== 0
  }
}

/** Runs a program; throws if it runs off its end, which the kernel would not load. */
export const simulate = (
  program: readonly Instruction[],
  record: SyscallRecord,
  endian: 'little' | 'big' = 'little',
): Simulation => {
  const words = wordsOf(record, endian)
  const memory = new Uint32Array(16)
  let a = 0
  let x = 0
  let at = 0
  for (let executed = 1; ; executed++) {
    const instruction = program[at++]
    if (instruction === undefined) throw new RangeError(`no instruction ${at - 1}`)
    const { code, jt, jf, k } = instruction
    const operand = code & 0x08 ? x : k
    switch (code & 0x07) {
      case 0x00:
        a = load(code, k, words, memory)
        break
      case 0x01:
        x = load(code, k, words, memory)
        break
      case 0x02:
        memory[k] = a
        break
      case 0x03:
        memory[k] = x
        break
      case 0x04:
        a = compute(code & 0xf0, a, operand) >>> 0
        break
      case 0x05:
        if ((code & 0xf0) === 0) at += k
        else at += compare(code & 0xf0, a, operand) ? jt : jf
        break
      case 0x06:
        return { action: code & 0x10 ? a : k, executed }
      default:
        if (code & 0x80) a = x
        else x = a
    }
  }
}

/** LD and LDX: a word of seccomp_data, of memory, a constant, or the length of the data. */
const load = (code: number, k: number, words: Uint32Array, memory: Uint32Array): number => {
  switch (code & 0xe0) {
    case 0x00:
      return k
    case 0x20:
      return words[k >> 2] as number
    case 0x60:
      return memory[k] as number
    default:
      return 64
  }
}
