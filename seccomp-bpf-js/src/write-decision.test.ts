import t from 'tap'
import { ARCHITECTURES, type ArchitectureName } from './architectures.ts'
import { compileSeccomp } from './compile.ts'
import { disassemble } from './disassemble.ts'
import { decodeFilter } from './program.ts'
import type { Operator, SeccompArg, SeccompSyscall } from './seccomp.ts'
import { simulate } from './simulate.ts'
import { syscallNumber } from './syscalls.ts'

type Name = Operator extends `SCMP_CMP_${infer Rest}` ? Rest : never

/** A condition on an argument. */
const on = (index: number, op: Name, value: number | bigint, valueTwo: number | bigint = 0): SeccompArg => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  valueTwo,
})

/** Denies ioctl where all conditions of one of the rules hold. */
const ioctl = (...rules: SeccompArg[][]): SeccompSyscall[] =>
  rules.map((args) => ({ names: ['ioctl'], action: 'SCMP_ACT_ERRNO', args }))

const programOf = (syscalls: SeccompSyscall[], arch: ArchitectureName) => {
  const result = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }, { arch })
  if (!('filter' in result)) throw new Error(JSON.stringify(result.problems))
  return decodeFilter(result.filter, 'little')
}

/** The instructions behind the search for the number. */
const text = (arch: ArchitectureName, ...rules: SeccompArg[][]): string[] =>
  disassemble(programOf(ioctl(...rules), arch), 'little')
    .trimEnd()
    .split('\n')
    .slice(5)
    .map((line) => line.trim())

/** Whether ioctl, or another call, is denied with these arguments. */
const isDenied = (syscalls: SeccompSyscall[], arch: ArchitectureName, args: (number | bigint)[], call = 'ioctl') => {
  const { audit } = ARCHITECTURES[arch]
  const record = { arch: audit, number: syscallNumber(ARCHITECTURES[arch], call), args }
  return simulate(programOf(syscalls, arch), record).action !== 0x7fff0000
}

const ARM = 'SCMP_ARCH_ARM'
const RISCV64 = 'SCMP_ARCH_RISCV64'

t.test('a whole word is masked where it stands, and loaded again after a mask', async (t) => {
  const rules = [[on(0, 'MASKED_EQ', 6, 2), on(1, 'EQ', 2)], [on(0, 'MASKED_EQ', 0xff, 0x11)], [on(0, 'EQ', 0x13)]]
  t.same(text(ARM, ...rules), [
    '5  load args[0]',
    '6  if args[0] == 0x13 goto 15 else 7',
    '7  and 0xff',
    '8  if args[0] & 0xff == 0x11 goto 15 else 9',
    '9  load args[0]',
    '10  and 6',
    '11  if args[0] & 6 == 2 goto 12 else 14',
    '12  load args[1]',
    '13  if args[1] == 2 goto 15 else 14',
    '14  return ALLOW',
    '15  return ERRNO(1)',
  ])
})

t.test('a word under the same mask is neither loaded nor masked again', async (t) => {
  const rules = [[on(0, 'EQ', 5)], [on(0, 'MASKED_EQ', 0xff, 0x11)], [on(0, 'MASKED_EQ', 0xff, 0x13)]]
  t.same(text(ARM, ...rules), [
    '5  load args[0]',
    '6  and 0xff',
    '7  if args[0] & 0xff == 0x13 goto 12 else 8',
    '8  if args[0] & 0xff == 0x11 goto 12 else 9',
    '9  load args[0]',
    '10  if args[0] == 5 goto 12 else 11',
    '11  return ALLOW',
    '12  return ERRNO(1)',
  ])
})

t.test('a test is entered with any word, with its own, or with its own under the mask', async (t) => {
  t.same(text(ARM, [on(0, 'MASKED_EQ', 4, 4), on(1, 'EQ', 2)], [on(0, 'MASKED_EQ', 3, 2)]), [
    '5  load args[0]',
    '6  if args[0] & 4 goto 7 else 10',
    '7  load args[1]',
    '8  if args[1] == 2 goto 13 else 9',
    '9  load args[0]',
    '10  and 3',
    '11  if args[0] & 3 == 2 goto 13 else 12',
    '12  return ALLOW',
    '13  return ERRNO(1)',
  ])
})

t.test('a single bit is tested in the whole word, which stays', async (t) => {
  t.same(text(ARM, [on(0, 'MASKED_EQ', 4, 4)], [on(0, 'GE', 9)]), [
    '5  load args[0]',
    '6  if args[0] & 4 goto 9 else 7',
    '7  if args[0] >= 9 goto 9 else 8',
    '8  return ALLOW',
    '9  return ERRNO(1)',
  ])
})

t.test('a value known on a path is not tested again', async (t) => {
  const rules = [[on(0, 'EQ', 5), on(1, 'EQ', 2)], [on(0, 'GE', 9)], [on(0, 'LE', 2), on(1, 'EQ', 7)]]
  t.same(text(ARM, ...rules), [
    '5  load args[0]',
    '6  if args[0] == 5 goto 7 else 9',
    '7  load args[1]',
    '8  if args[1] == 2 goto 14 else 13',
    '9  if args[0] > 2 goto 10 else 11',
    '10  if args[0] >= 9 goto 14 else 13',
    '11  load args[1]',
    '12  if args[1] == 7 goto 14 else 13',
    '13  return ALLOW',
    '14  return ERRNO(1)',
  ])
})

t.test('nothing is below 0: that half of a 64-bit comparison is left out', async (t) => {
  t.same(text(RISCV64, [on(0, 'GE', 0x500000000)]), [
    '5  load args[0] upper',
    '6  if args[0] upper > 5 goto 9 else 7',
    '7  if args[0] upper == 5 goto 9 else 8',
    '8  return ALLOW',
    '9  return ERRNO(1)',
  ])
})

t.test('a test that two paths share, the later one with another word in the accumulator', async (t) => {
  const rules = ioctl([on(0, 'GE', 5), on(1, 'EQ', 2)], [on(0, 'GE', 9)], [on(0, 'GE', 2), on(1, 'EQ', 7)])
  t.same(isDenied(rules, ARM, [3, 7]), true)
  t.same(isDenied(rules, ARM, [7, 3]), false)
  t.same(isDenied(rules, ARM, [7, 7]), true)
})

t.test('a test that two paths share, the earlier one with another word in the accumulator', async (t) => {
  const rules = ioctl([on(0, 'MASKED_EQ', 1, 1), on(1, 'EQ', 2)], [on(0, 'GE', 6)])
  t.same(isDenied(rules, ARM, [7, 3]), true)
  t.same(isDenied(rules, ARM, [3, 7]), false)
  t.same(isDenied(rules, ARM, [3, 2]), true)
})

t.test('tests that differ only in their masks are different tests', async (t) => {
  const rule = (name: string, mask: number): SeccompSyscall => ({
    names: [name],
    action: 'SCMP_ACT_ERRNO',
    args: [on(0, 'MASKED_EQ', mask, 1)],
  })
  const rules = [rule('ioctl', 3), rule('prctl', 5)]
  for (const [value, three, five] of [
    [3, false, true],
    [5, true, false],
    [9, true, true],
  ] as const) {
    t.equal(isDenied(rules, ARM, [value]), three)
    t.equal(isDenied(rules, ARM, [value], 'prctl'), five)
  }
})
