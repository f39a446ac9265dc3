import t from 'tap'
import { compileSeccomp } from './compile.ts'
import { decodeFilter } from './program.ts'
import type { Operator, SeccompArg, SeccompSyscall } from './seccomp.ts'
import { simulate } from './simulate.ts'

type Name = Operator extends `SCMP_CMP_${infer Rest}` ? Rest : never

const on = (index: number, op: Name, value: bigint, valueTwo = 0n): SeccompArg => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  valueTwo,
})

/** A rule for ioctl; its errno identifies the rule. */
const rule = (errnoRet: number, ...args: SeccompArg[]): SeccompSyscall => ({
  names: ['ioctl'],
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  args,
})

/** The errno of ioctl on riscv64, 0 if it is allowed. */
const errnoOf = (rules: readonly SeccompSyscall[], ...args: bigint[]): number => {
  const result = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }, { arch: 'SCMP_ARCH_RISCV64' })
  if (!('filter' in result)) throw new Error(JSON.stringify(result.problems))
  const { action } = simulate(decodeFilter(result.filter, 'little'), { arch: 0xc00000f3, number: 29, args })
  return action & 0xffff
}

t.test('of two limits with one upper word the farther one decides where the upper word is enough', async (t) => {
  for (const op of ['GT', 'GE'] as const) {
    const near = rule(1, on(0, op, 0x100000005n))
    const far = rule(2, on(0, op, 0x100000009n))
    for (const rules of [
      [near, far],
      [far, near],
    ]) {
      t.equal(errnoOf(rules, 0x200000000n), 2, op)
      t.equal(errnoOf(rules, 0x10000000an), 2, op)
      t.equal(errnoOf(rules, 0x100000007n), 1, op)
      t.equal(errnoOf(rules, 0x100000000n), 0, op)
    }
  }
  for (const op of ['LT', 'LE'] as const) {
    const near = rule(1, on(0, op, 0x100000009n))
    const far = rule(2, on(0, op, 0x100000005n))
    for (const rules of [
      [near, far],
      [far, near],
    ]) {
      t.equal(errnoOf(rules, 0n), 2, op)
      t.equal(errnoOf(rules, 0x100000000n), 2, op)
      t.equal(errnoOf(rules, 0x100000007n), 1, op)
      t.equal(errnoOf(rules, 0x10000000an), 0, op)
    }
  }
})

t.test('a rule is covered by a shorter one only if the conditions are the same in every bit', async (t) => {
  const both = (first: SeccompArg, second: SeccompArg, ...args: bigint[]): void => {
    const rules = [rule(1, on(0, 'EQ', 1n), first), rule(1, second)]
    t.equal(errnoOf(rules, ...args), 1)
    t.equal(errnoOf([...rules].reverse(), ...args), 1)
  }
  both(on(1, 'EQ', 0x100000002n), on(1, 'EQ', 2n), 1n, 0x100000002n)
  both(on(1, 'EQ', 3n), on(1, 'EQ', 2n), 1n, 3n)
  both(on(1, 'GE', 2n), on(1, 'EQ', 2n), 1n, 3n)
  both(on(2, 'EQ', 2n), on(1, 'EQ', 2n), 1n, 3n, 2n)
  both(on(1, 'MASKED_EQ', 3n, 1n), on(1, 'MASKED_EQ', 5n, 1n), 1n, 5n)
  both(on(1, 'MASKED_EQ', 0x300000000n, 0x100000000n), on(1, 'MASKED_EQ', 0x500000000n, 0x100000000n), 1n, 0x500000000n)
})
