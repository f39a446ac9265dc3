/**
 * Device rules as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (kernel Documentation/admin-guide/cgroup-v2.rst,
 * Device controller; struct bpf_cgroup_dev_ctx in linux/bpf.h). Semantics: for every access right (r, w, m) of a
 * request the last rule that names it for the device decides, and without one it is denied; a request is allowed if all
 * its rights are. This file only compiles the program; a step attaches it.
 */

import { ALL_RIGHTS, type FullRule, isReset } from '../device-rules.ts'

/** The classes and modes of the instructions used (linux/bpf.h). */
const LDX_MEM_W = 0x61
const ALU32_AND_IMM = 0x54
const ALU32_RSH_IMM = 0x74
const ALU32_MOV_IMM = 0xb4
const ALU32_MOV_REG = 0xbc
const JMP32_JNE_IMM = 0x56
const JMP32_JEQ_IMM = 0x16
const EXIT = 0x95

// R1 points to { u32 access_type; u32 major; u32 minor; }; the low half of access_type is the type.
const R0 = 0
const CONTEXT = 1
const TYPE = 2
/** The rights that no rule so far has decided. */
const OPEN_RIGHTS = 3
const MAJOR = 4
const MINOR = 5
const SCRATCH = 6

const TYPE_NUMBERS = { b: 1, c: 2 } // BPF_DEVCG_DEV_*

interface Instruction {
  readonly code: number
  readonly dst?: number
  readonly src?: number
  readonly offset?: number
  readonly immediate?: number
}

/** The program's bytes, for a little-endian kernel; undefined if everything is allowed and no program is needed. */
export function compileDeviceProgram(rules: readonly FullRule[]): Uint8Array | undefined {
  const last = rules.findLastIndex(isReset)
  const remaining = rules.slice(last + 1)
  const allowByDefault = last >= 0 && (rules[last] as FullRule).allow
  if (allowByDefault && remaining.every((rule) => rule.allow)) return undefined
  // The last rule decides, so it is checked first.
  const blocks = remaining.reverse().flatMap(ruleBlock)
  return encode([...PROLOGUE, ...blocks, ...verdict(allowByDefault ? 1 : 0)])
}

const PROLOGUE: readonly Instruction[] = [
  { code: LDX_MEM_W, dst: TYPE, src: CONTEXT, offset: 0 },
  { code: ALU32_MOV_REG, dst: OPEN_RIGHTS, src: TYPE },
  { code: ALU32_AND_IMM, dst: TYPE, immediate: 0xffff },
  { code: ALU32_RSH_IMM, dst: OPEN_RIGHTS, immediate: 16 },
  { code: LDX_MEM_W, dst: MAJOR, src: CONTEXT, offset: 4 },
  { code: LDX_MEM_W, dst: MINOR, src: CONTEXT, offset: 8 },
]

/** One rule: jumps to the next unless the device matches, then decides the rights it names. */
function ruleBlock(rule: FullRule): Instruction[] {
  const { rights } = rule
  if (rights === 0 || rule.type === 'a') return []
  const tests: [number, number][] = [[TYPE, TYPE_NUMBERS[rule.type]]]
  if (rule.major !== undefined) tests.push([MAJOR, rule.major])
  if (rule.minor !== undefined) tests.push([MINOR, rule.minor])
  const body = rule.allow ? allowBody(rights) : denyBody(rights)
  const jumps = tests.map(
    ([dst, immediate], i): Instruction => ({
      code: JMP32_JNE_IMM,
      dst,
      immediate,
      offset: tests.length - 1 - i + body.length,
    }),
  )
  return [...jumps, ...body]
}

function allowBody(rights: number): Instruction[] {
  if (rights === ALL_RIGHTS) return verdict(1)
  return [
    { code: ALU32_AND_IMM, dst: OPEN_RIGHTS, immediate: ALL_RIGHTS & ~rights },
    { code: JMP32_JNE_IMM, dst: OPEN_RIGHTS, immediate: 0, offset: 2 },
    ...verdict(1),
  ]
}

function denyBody(rights: number): Instruction[] {
  if (rights === ALL_RIGHTS) return verdict(0)
  return [
    { code: ALU32_MOV_REG, dst: SCRATCH, src: OPEN_RIGHTS },
    { code: ALU32_AND_IMM, dst: SCRATCH, immediate: rights },
    { code: JMP32_JEQ_IMM, dst: SCRATCH, immediate: 0, offset: 2 },
    ...verdict(0),
  ]
}

function verdict(value: 0 | 1): Instruction[] {
  return [{ code: ALU32_MOV_IMM, dst: R0, immediate: value }, { code: EXIT }]
}

/** struct bpf_insn: u8 code, u8 registers (dst low, src high), s16 offset, s32 immediate. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8)
  const view = new DataView(bytes.buffer)
  instructions.forEach(({ code, dst = 0, src = 0, offset = 0, immediate = 0 }, i) => {
    view.setUint8(i * 8, code)
    view.setUint8(i * 8 + 1, dst | (src << 4))
    view.setInt16(i * 8 + 2, offset, true)
    view.setInt32(i * 8 + 4, immediate, true)
  })
  return bytes
}

/** For a cgroup that has a program and now allows everything. */
export const ALLOW_ALL: Uint8Array = encode(verdict(1))
