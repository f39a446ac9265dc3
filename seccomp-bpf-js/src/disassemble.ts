/*
 * Prints a filter: addresses, comparisons with the names of the compared fields, actions by name. Reads any
 * classic BPF that seccomp accepts, also filters of libseccomp; it tracks the accumulator's content along the jumps.
 */
import { describeAction } from './actions.ts'
import { type Architecture, architectureOf } from './architectures.ts'
import {
  BPF_AND_K,
  BPF_JA,
  BPF_JEQ_K,
  BPF_JGE_K,
  BPF_JGT_K,
  BPF_JSET_K,
  BPF_LD_W_ABS,
  BPF_RET_K,
  type Instruction,
} from './program.ts'
import { syscallName } from './syscalls.ts'

/** What is known at an instruction: the word in the accumulator, and the architecture. */
interface Known {
  readonly word: string
  readonly arch: Architecture | undefined
}

const NOTHING: Known = { word: '?', arch: undefined }

const COMPARISONS: Readonly<Record<number, string>> = {
  [BPF_JEQ_K]: '==',
  [BPF_JGT_K]: '>',
  [BPF_JGE_K]: '>=',
  [BPF_JSET_K]: '&',
}

const wordName = (offset: number, endian: 'little' | 'big'): string => {
  if (offset === 0) return 'number'
  if (offset === 4) return 'arch'
  if (offset < 16) return 'instruction pointer'
  const upper = (offset % 8 === 4) === (endian === 'little')
  return `args[${(offset - 16) >> 3}]${upper ? ' upper' : ''}`
}

const hex = (value: number): string => (value < 10 ? String(value) : `0x${value.toString(16)}`)

/** The value of a comparison, with its meaning. */
const operand = (value: number, { word, arch }: Known): string => {
  if (word === 'arch') return architectureOf(value)?.name ?? hex(value)
  if (word !== 'number') return hex(value)
  // Numbers of x32 remain numbers: the first of them is also the boundary between the two.
  const name = arch === undefined ? undefined : syscallName(arch, value)
  return name === undefined ? hex(value) : `${value} (${name})`
}

/** What is known after an instruction, on the path to `target`. */
const after = (known: Known, { code, k }: Instruction, taken: boolean, endian: 'little' | 'big'): Known => {
  if (code === BPF_LD_W_ABS) return { ...known, word: wordName(k, endian) }
  if (code === BPF_AND_K) return { ...known, word: `${known.word} & ${hex(k)}` }
  if (code === BPF_JEQ_K && known.word === 'arch' && taken) return { ...known, arch: architectureOf(k) }
  return known
}

const meet = (a: Known | undefined, b: Known): Known => {
  if (a === undefined) return b
  return { word: a.word === b.word ? a.word : '?', arch: a.arch === b.arch ? a.arch : undefined }
}

const statement = (instruction: Instruction, at: number, known: Known, endian: 'little' | 'big'): string => {
  const { code, jt, jf, k } = instruction
  const operator = COMPARISONS[code]
  if (operator !== undefined)
    return `if ${known.word} ${operator} ${operand(k, known)} goto ${at + 1 + jt} else ${at + 1 + jf}`
  if (code === BPF_LD_W_ABS) return `load ${wordName(k, endian)}`
  if (code === BPF_AND_K) return `and ${hex(k)}`
  if (code === BPF_JA) return `goto ${at + 1 + k}`
  if (code === BPF_RET_K) return `return ${describeAction(k)}`
  return `op 0x${code.toString(16)} jt=${jt} jf=${jf} k=${hex(k)}`
}

/** One line per instruction. */
export const disassemble = (program: readonly Instruction[], endian: 'little' | 'big' = 'little'): string => {
  const known: (Known | undefined)[] = [NOTHING]
  const lines: string[] = []
  const width = String(program.length).length
  for (const [at, instruction] of program.entries()) {
    const here = known[at] ?? NOTHING
    const { code, jt, jf, k } = instruction
    const note = (to: number, taken: boolean) => {
      known[to] = meet(known[to], after(here, instruction, taken, endian))
    }
    if (COMPARISONS[code] !== undefined) {
      note(at + 1 + jt, true)
      note(at + 1 + jf, false)
    } else if (code === BPF_JA) note(at + 1 + k, true)
    else if (code !== BPF_RET_K) note(at + 1, true)
    lines.push(`${String(at).padStart(width)}  ${statement(instruction, at, here, endian)}`)
  }
  return `${lines.join('\n')}\n`
}
