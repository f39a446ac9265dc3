/*
 * Random profiles with many conditions on one argument, which meet each other, and calls that tell their rules apart.
 */
import fc from 'fast-check'
import type { Operator, Seccomp, SeccompArg, SeccompSyscall } from '../src/seccomp.ts'

/** What a rule does. */
export type Act = Pick<SeccompSyscall, 'action' | 'errnoRet'>

export const OPERATORS: readonly Operator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
]

/** Small numbers, whose bits meet each other; sometimes in the upper word, too. */
const small: fc.Arbitrary<bigint> = fc
  .tuple(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2) }), fc.nat(9))
  .map(([high, low]) => BigInt(high) * 0x100000000n + BigInt(low))

const smallArgument = (index: number): fc.Arbitrary<SeccompArg> =>
  fc.record({ index: fc.constant(index), value: small, valueTwo: small, op: fc.constantFrom(...OPERATORS) })

/**
 * Many conditions on one argument, masked and not: the word stands in the accumulator as it is, under one mask or another, or
 * behind a condition on another argument, and each comparison needs the right one.
 */
export const crowded = (names: readonly string[], only: Act): fc.Arbitrary<SeccompSyscall[]> => {
  const args = fc.oneof(
    fc.tuple(smallArgument(0)),
    fc.tuple(smallArgument(0), smallArgument(1)),
    fc.tuple(smallArgument(1)),
  )
  return fc
    .array(args, { minLength: 2, maxLength: 7 })
    .map((lists) => lists.map((args) => ({ names, ...only, args: [...args] })))
}

/** Profiles of nothing but `crowded`, for two calls with rules of their own. */
export const crowdedProfile: fc.Arbitrary<Seccomp> = fc
  .tuple(fc.constantFrom<Act>({ action: 'SCMP_ACT_ERRNO' }, { action: 'SCMP_ACT_ALLOW' }), fc.boolean())
  .chain(([{ action }, logs]) => {
    const only: Act = {
      action: logs ? 'SCMP_ACT_LOG' : action === 'SCMP_ACT_ALLOW' ? 'SCMP_ACT_ERRNO' : 'SCMP_ACT_ALLOW',
    }
    return fc
      .tuple(crowded(['ioctl'], only), crowded(['prctl'], only))
      .map(([first, second]): Seccomp => ({ defaultAction: action, syscalls: [...first, ...second] }))
  })

/** The first two arguments of calls that tell such rules apart. */
export const crowdedArguments: readonly (readonly bigint[])[] = (() => {
  const lows = Array.from({ length: 11 }, (_, low) => BigInt(low))
  const first = [...lows, 0x100000000n, 0x100000003n, 0x100000007n, 0x200000001n, 0x200000006n]
  return first.flatMap((one) => [0n, 1n, 2n, 5n, 7n, 0x100000001n].map((other) => [one, other]))
})()
