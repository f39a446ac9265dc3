/*
 * Random profiles and random system calls for the property and differential tests. Few names, few values and few actions,
 * so that rules meet each other; every odd feature of a profile has its chance.
 */
import fc from 'fast-check'
import type { ActionName } from '../src/actions.ts'
import { ARCHITECTURES, type ArchitectureName } from '../src/architectures.ts'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../src/seccomp.ts'
import type { SyscallRecord } from '../src/simulate.ts'
import { syscallNumber } from '../src/syscalls.ts'
import { type Act, crowded, OPERATORS } from './crowded-profile.ts'

/** Names with something special about them, and some without. */
export const NAMES: readonly string[] = [
  ...[
    'read',
    'write',
    'open',
    'openat',
    'getppid',
    'personality',
    'clone',
    'clone3',
    'mmap',
    'mmap2',
    'ioctl',
    'prctl',
  ],
  ...['socket', 'connect', 'accept', 'accept4', 'send', 'socketcall', 'semop', 'semtimedop', 'shmat', 'shmctl', 'ipc'],
  ...['execveat', 'fchmodat2', 'futex_waitv', 'cachestat', 'statx', 'clock_gettime64', 'time', '_llseek', 'fcntl64'],
  ...[
    'arm_fadvise64_64',
    'breakpoint',
    'set_tls',
    's390_pci_mmio_read',
    'setup',
    'swapcontext',
    'cacheflush',
    'sysmips',
  ],
  ...['no_such_call', 'getpid', 'gettid', 'uname', 'close_range', 'map_shadow_stack', 'rt_sigreturn', 'ptrace'],
]

const VALUES = [
  ...[0n, 1n, 2n, 3n, 5n, 7n, 8n, 16n, 0x20000n, 0x7e020000n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn],
  ...[0x100000000n, 0x100000001n, 0x100000005n, 0x1ffffffffn, 0x500000000n, 0x500000005n, 0x8000000000000000n],
  ...[0xffffffff00000000n, 0xfffffffffffffffen, 0xffffffffffffffffn],
]

const argument: fc.Arbitrary<SeccompArg> = fc.record({
  index: fc.oneof({ weight: 5, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(5) }),
  value: fc.constantFrom(...VALUES),
  valueTwo: fc.constantFrom(...VALUES),
  op: fc.constantFrom(...OPERATORS),
})

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Act>({ action: 'SCMP_ACT_ALLOW' }) },
  { weight: 3, arbitrary: fc.constantFrom(1, 2, 38).map((errnoRet): Act => ({ action: 'SCMP_ACT_ERRNO', errnoRet })) },
  { weight: 1, arbitrary: fc.constant<Act>({ action: 'SCMP_ACT_ERRNO' }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<ActionName>('SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP', 'SCMP_ACT_LOG')
      .map((action): Act => ({ action })),
  },
  { weight: 1, arbitrary: fc.constant<Act>({ action: 'SCMP_ACT_TRACE', errnoRet: 5 }) },
)

/** Entries that all do the same, or each what it likes: the first kind has no conflicts, so larger trees survive. */
const entries = (names: readonly string[]): fc.Arbitrary<SeccompSyscall[]> => {
  const entry = (what: fc.Arbitrary<Act>): fc.Arbitrary<SeccompSyscall> =>
    fc
      .record({
        names: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
        act: what,
        args: fc.oneof(
          fc.constant([]),
          fc.array(argument, { maxLength: 3 }),
          fc.array(argument, { minLength: 1, maxLength: 2 }),
        ),
      })
      .map(({ names, act, args }) => ({ names, ...act, args }))
  return fc.oneof(
    fc.array(entry(act), { maxLength: 8 }),
    act.chain((only) => fc.array(entry(fc.constant(only)), { maxLength: 12 })),
    act.chain((only) => crowded(names.slice(0, 2), only)),
  )
}

/** All architectures of one byte order. */
export const architecturesLike = (native: ArchitectureName): ArchitectureName[] =>
  (Object.keys(ARCHITECTURES) as ArchitectureName[]).filter(
    (name) => ARCHITECTURES[name].endian === ARCHITECTURES[native].endian,
  )

/** What engines ask for on x86_64. */
const X86: ArchitectureName[] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']

/** A profile, for a machine. */
export const profileFor = (
  others: readonly ArchitectureName[],
  from: readonly string[] = NAMES,
): fc.Arbitrary<Seccomp> =>
  fc
    .subarray([...from], { minLength: 1, maxLength: 6 })
    .chain((names) =>
      fc.record({
        fallback: act,
        architectures: fc.oneof(
          fc.constant<ArchitectureName[]>([]),
          fc.constant(X86.every((name) => others.includes(name)) ? X86 : []),
          fc.subarray([...others], { maxLength: 3 }),
        ),
        syscalls: entries(names),
      }),
    )
    .map(({ fallback, architectures, syscalls }) => ({
      defaultAction: fallback.action,
      ...(fallback.errnoRet === undefined ? {} : { defaultErrnoRet: fallback.errnoRet }),
      architectures,
      syscalls,
    }))

/** Deterministic numbers for picking records; mulberry32. */
export const randomNumbers = (seed: number) => {
  let state = seed | 0
  return (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x100000000) * limit)
  }
}

const MASK64 = 0xffffffffffffffffn

/** Values at which a condition on this argument changes its mind. */
const interesting = (profile: Seccomp): bigint[] => {
  const values = new Set([0n, 1n, 0x100000000n, MASK64])
  for (const { args } of profile.syscalls ?? [])
    for (const { value, valueTwo } of args ?? [])
      for (const of of [value, valueTwo ?? 0].map(BigInt))
        for (const near of [of - 1n, of, of + 1n, of ^ 0x100000000n, of & 0xffffffffn]) values.add(near & MASK64)
  // Where a masked comparison holds, with other bits beside those of the mask.
  for (const { args } of profile.syscalls ?? [])
    for (const { op, value, valueTwo } of args ?? [])
      if (op === 'SCMP_CMP_MASKED_EQ')
        for (const beside of [0n, 1n, 8n, 0x100000000n, 0x900000009n, MASK64])
          values.add((BigInt(valueTwo ?? 0) & BigInt(value)) | (beside & ~BigInt(value) & MASK64))
  return [...values]
}

const EDGES = [
  0, 1, 0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff,
]

/** System calls that look at every corner of a profile, and some at random. */
export const recordsFor = (
  profile: Seccomp,
  native: ArchitectureName,
  seed: number,
  count: number,
): SyscallRecord[] => {
  const random = randomNumbers(seed)
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T
  const values = interesting(profile)
  const archs = [...new Set([native, ...(profile.architectures ?? [])])]
  const names = [...new Set((profile.syscalls ?? []).flatMap((entry) => entry.names)), 'socketcall', 'ipc', 'getpid']
  const numbers: { arch: number; number: number }[] = []
  for (const name of archs) {
    const arch = ARCHITECTURES[name]
    for (const call of names) {
      const number = syscallNumber(arch, call)
      if (number >= 0)
        for (const near of [number - 1, number, number, number, number, number + 1])
          numbers.push({ arch: arch.audit, number: near >>> 0 })
    }
    for (const number of EDGES) numbers.push({ arch: arch.audit, number })
  }
  numbers.push({ arch: 0x40000028, number: 1 }, { arch: 0xc000003e, number: 1 }, { arch: 0, number: 1 })
  const records: SyscallRecord[] = numbers.map((at) => ({ ...at, args: [] }))
  while (records.length < count) {
    const args = Array.from({ length: 6 }, () => (random(8) === 0 ? BigInt(random(26)) : pick(values)))
    records.push({ ...pick(numbers), args })
  }
  return records
}
