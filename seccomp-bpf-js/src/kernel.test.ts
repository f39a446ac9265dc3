import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { kernelProgram } from '../test/programs.ts'
import { profileFor, randomNumbers, recordsFor } from '../test/random-profile.ts'
import { ARCHITECTURES, type ArchitectureName, X32_BIT } from './architectures.ts'
import { compileSeccomp } from './compile.ts'
import { decodeFilter } from './program.ts'
import type { Seccomp } from './seccomp.ts'
import { type SyscallRecord, simulate } from './simulate.ts'
import { syscallNumber } from './syscalls.ts'

/** Calls that are harmless for all arguments. */
const NAMES = ['getppid', 'gettid', 'getuid', 'geteuid', 'getgid', 'getegid', 'getpgrp', 'sched_yield']
const ARCHS: ArchitectureName[] = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** The calls of a profile that can really be made. */
const harmless = (profile: Seccomp, salt: number): SyscallRecord[] => {
  const numbers = new Set(
    ARCHS.flatMap((name) =>
      NAMES.map((call) => `${ARCHITECTURES[name].audit} ${syscallNumber(ARCHITECTURES[name], call)}`),
    ),
  )
  const all = recordsFor(profile, 'SCMP_ARCH_X86_64', salt, 400)
  const made = all.filter(({ arch, number }) => numbers.has(`${arch} ${number}`))
  const random = randomNumbers(salt)
  return Array.from({ length: Math.min(12, made.length) }, () => made[random(made.length)] as SyscallRecord)
}

const request = ({ arch, number, args }: SyscallRecord): string => {
  const six = Array.from({ length: 6 }, (_, i) => BigInt.asUintN(64, BigInt(args[i] ?? 0)))
  return ['call', arch === ARCHITECTURES.SCMP_ARCH_X86.audit ? 'i386' : 'native', number, ...six].join(' ')
}

/** The effect of an action that a process sees; `unfiltered` is the result of the call without a filter. */
const visible = (action: number, unfiltered: string): string => {
  const data = action & 0xffff
  switch ((action & 0xffff0000) >>> 0) {
    case 0x00050000:
      return String(-data)
    case 0x7fff0000:
    case 0x7ffc0000:
      return unfiltered
    case 0x7ff00000:
      return '-38'
    default:
      return 'Bad system call'
  }
}

/** int 0x80 passes 32-bit arguments; an x32 number is passed like others. */
const seen = (record: SyscallRecord): SyscallRecord => {
  if (record.arch !== ARCHITECTURES.SCMP_ARCH_X86.audit || record.number >= X32_BIT) return record
  return { ...record, args: record.args.map((arg) => BigInt.asUintN(32, BigInt(arg))) }
}

const program = kernelProgram()
const probe = 'filter 060000000000ff7f\ncall i386 64 0 0 0 0 0 0\n'

/** The reason why this cannot be tested here, if there is one. */
const obstacle = (): string | false => {
  if ('missing' in program) return program.missing
  const answer = execFileSync(program.path, { input: probe, encoding: 'latin1' })
  return /^\d+ \d+$/m.test(answer) ? false : 'no seccomp or no int 0x80 here'
}

const ABOUT = 'the kernel does what the simulator does, on the native, the x32 and the i386 side'

t.test(ABOUT, { skip: obstacle() }, async (t) => {
  const path = 'path' in program ? program.path : ''
  const seed = Number(process.env.SEED ?? 1)
  t.comment(`seed ${seed}`)
  const lines: string[] = []
  const expected: { action: number; about: string }[] = []
  for (const [i, profile] of fc.sample(profileFor(ARCHS, NAMES), { numRuns: 150, seed }).entries()) {
    const result = compileSeccomp(profile, { arch: 'SCMP_ARCH_X86_64' })
    if (!('filter' in result)) continue
    lines.push(`filter ${hex(result.filter)}`)
    const instructions = decodeFilter(result.filter, 'little')
    for (const record of harmless(profile, seed + i)) {
      lines.push(request(record))
      const about = JSON.stringify({ profile, record }, (_, value) =>
        typeof value === 'bigint' ? String(value) : value,
      )
      expected.push({ action: simulate(instructions, seen(record), 'little').action, about })
    }
  }
  const answers = execFileSync(path, { input: `${lines.join('\n')}\n`, encoding: 'latin1', maxBuffer: 1 << 26 })
  const results = answers.trimEnd().split('\n')
  t.equal(results.length, expected.length)
  t.ok(expected.length > 500, `${expected.length} calls made`)
  for (const [i, { action, about }] of expected.entries()) {
    const [, result = '', unfiltered = ''] = /^(.*) (-?\d+)$/.exec(results[i] ?? '') ?? []
    if (result !== visible(action, unfiltered)) t.fail(`${about}: ${results[i]}, simulated ${action.toString(16)}`)
  }
})
