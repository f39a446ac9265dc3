// The seccomp compiler compared with a direct evaluation of the profile, and with libseccomp if that is installed.

import fc from 'fast-check'
import {
  ARCHITECTURES,
  type ArchitectureName,
  compileSeccomp,
  decodeFilter,
  explainSyscall,
  type Seccomp,
  simulate,
} from 'seccomp-bpf-js'
import { describe, differential } from '../../seccomp-bpf-js/test/differential.ts'
import { agreement } from '../../seccomp-bpf-js/test/libseccomp.ts'
import { evaluate } from '../../seccomp-bpf-js/test/naive.ts'
import { libseccompProgram } from '../../seccomp-bpf-js/test/programs.ts'
import { architecturesLike, NAMES, profileFor, recordsFor } from '../../seccomp-bpf-js/test/random-profile.ts'
import { stringify } from '../../src/config/json.ts'
import { parseConfig } from '../../src/config/parse-config.ts'
import { holds, orRuntError, type Target, textOf } from '../target.ts'

const archs = Object.keys(ARCHITECTURES) as ArchitectureName[]

/** A number that depends on every byte. */
const hashOf = (input: Uint8Array): number =>
  input.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5)

function compare(profile: Seccomp, arch: ArchitectureName, salt: number): void {
  const result = compileSeccomp(profile, { arch })
  if (!('filter' in result)) {
    holds('a reason', result.problems.length > 0)
    return
  }
  const { endian } = ARCHITECTURES[arch]
  const program = decodeFilter(result.filter, endian)
  for (const record of recordsFor(profile, arch, salt, 60)) {
    const literal = evaluate(profile, arch, record)
    const { action } = simulate(program, record, endian)
    holds(
      `${action.toString(16)} not ${literal?.toString(16)} for ${stringify(record)} of ${stringify(profile)}`,
      literal === undefined || action === literal,
    )
  }
  const explained = explainSyscall(profile, { arch }, { syscall: 'getpid', args: [] })
  holds('explained', 'verdict' in explained)
}

/** The input is a seed. */
function random(input: Uint8Array): void {
  const seed = hashOf(input)
  const arch = archs[(seed >>> 0) % archs.length] as ArchitectureName
  for (const profile of fc.sample(profileFor(architecturesLike(arch)), { seed, numRuns: 1 }))
    compare(profile, arch, seed)
}

/** The input is a profile. */
function given(input: Uint8Array): void {
  const text = `{"ociVersion":"1.0.0","root":{"path":"/"},"linux":{"seccomp":${textOf(input)}}}`
  const parsed = orRuntError(() => parseConfig(text, 'config.json'))
  const profile = parsed?.config.linux.seccomp as Seccomp | undefined
  if (profile !== undefined) compare(profile, 'SCMP_ARCH_X86_64', hashOf(input))
}

const program = libseccompProgram()

let known: ReturnType<typeof agreement> | undefined

/** The input is a seed for twenty profiles; the program of libseccomp takes them together. */
function against(input: Uint8Array): void {
  if ('missing' in program) return
  known ??= agreement(program.path, NAMES)
  const { names, archs: supported } = known
  const { differences } = differential(program.path, 20, hashOf(input), 150, supported, names)
  holds(differences.map(describe).join('\n'), differences.length === 0)
}

const operators = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`)
const actions = ['ALLOW', 'ERRNO', 'KILL', 'TRAP', 'LOG', 'TRACE', 'KILL_PROCESS', 'NOTIFY'].map(
  (name) => `SCMP_ACT_${name}`,
)

export const seccomp: readonly Target[] = [
  { name: 'seccomp', form: 'bytes', words: [], run: random },
  { name: 'seccomp-profile', form: 'json', words: [...operators, ...actions, ...archs, ...NAMES], run: given },
  {
    name: 'seccomp-libseccomp',
    form: 'bytes',
    words: [],
    slow: 60_000,
    missing: 'missing' in program ? program.missing : undefined,
    run: against,
  },
]
