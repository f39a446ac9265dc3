/*
 * Drives test/libseccomp-export.c: profiles in, what libseccomp makes of them out, under the rules that runc adds.
 */
import { execFileSync } from 'node:child_process'
import { actionValue } from '../src/actions.ts'
import { ARCHITECTURES, type ArchitectureName, X32_BIT } from '../src/architectures.ts'
import { decodeFilter, type Instruction } from '../src/program.ts'
import type { Operator, Seccomp, SeccompArg } from '../src/seccomp.ts'
import { type SyscallRecord, simulate } from '../src/simulate.ts'
import { multiplexedCode, syscallIndex, syscallNumber } from '../src/syscalls.ts'

/** What libseccomp answered: a filter, or the errno it refused the profile with. */
export interface Exported {
  readonly program: readonly Instruction[] | undefined
  readonly refused: number | undefined
  /** It crashed (the signal), or did not come back (SIGALRM). */
  readonly failed: number | undefined
  /** The newest call on each architecture, native first, as runc asks for it. */
  readonly newest: readonly number[]
}

const OPERATOR: Readonly<Record<Operator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
}

/** libseccomp's token of an architecture: the audit number, with an invented one for x32. */
const token = (name: ArchitectureName): number => (name === 'SCMP_ARCH_X32' ? 0x4000003e : ARCHITECTURES[name].audit)

/** The architectures of a profile as libseccomp gets them, native first. */
export const architecturesOf = (profile: Seccomp, native: ArchitectureName): ArchitectureName[] => [
  ...new Set([native, ...(profile.architectures ?? [])]),
]

const ruleLines = (profile: Seccomp): string[] => {
  const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet).value
  const lines: string[] = []
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const value = actionValue(action, errnoRet).value
    if (value === fallback) continue
    const repeated = new Set(args.map((arg) => arg.index)).size !== args.length
    const lists: (readonly SeccompArg[])[] = repeated ? args.map((arg) => [arg]) : [args]
    for (const name of names)
      for (const list of lists) {
        const conditions = list.map((arg) => `${arg.index} ${OPERATOR[arg.op]} ${arg.value} ${arg.valueTwo ?? 0}`)
        lines.push(['rule', value, name, ...conditions].join(' '))
      }
  }
  return lines
}

const script = (profile: Seccomp, native: ArchitectureName, optimize: number): string =>
  [
    `profile ${actionValue(profile.defaultAction, profile.defaultErrnoRet).value} ${optimize} ${architecturesOf(profile, native).map(token).join(' ')}`,
    ...ruleLines(profile),
    ...(profile.syscalls ?? []).map(({ names }) => `newest ${names.join(' ')}`),
    'end',
  ].join('\n')

/** Runs all profiles through libseccomp in one process. `optimize` is SCMP_FLTATR_CTL_OPTIMIZE: 1 or 2. */
export const exportAll = (
  program: string,
  cases: readonly { readonly profile: Seccomp; readonly native: ArchitectureName }[],
  optimize = 2,
): { readonly version: string; readonly results: readonly Exported[] } => {
  const input = `${cases.map(({ profile, native }) => script(profile, native, optimize)).join('\n')}\n`
  const output = execFileSync(program, { input, encoding: 'latin1', maxBuffer: 1 << 30 })
  const [version = '', ...lines] = output.trimEnd().split('\n')
  const results = lines.map((line, i): Exported => {
    const [kind, first = '', ...rest] = line.split(' ')
    const newest = rest.slice(rest.indexOf('newest') + 1).map(Number)
    if (kind === 'refused') return { program: undefined, refused: Number(first), failed: undefined, newest }
    if (kind === 'failed') return { program: undefined, refused: undefined, failed: Number(first), newest }
    const native = cases[i]?.native ?? 'SCMP_ARCH_X86_64'
    const bytes = Uint8Array.from(Buffer.from(first, 'hex'))
    return { program: decodeFilter(bytes, ARCHITECTURES[native].endian), refused: undefined, failed: undefined, newest }
  })
  return { version, results }
}

/** libseccomp's own reading of one profile, as text. */
export const exportPseudoCode = (program: string, profile: Seccomp, native: ArchitectureName): string => {
  const input = `${script(profile, native, 1).replace(/end$/, 'pfc\nend')}\n`
  const output = execFileSync(program, { input, encoding: 'latin1' })
  return output.slice(output.indexOf('#'), output.lastIndexOf('pfc end'))
}

/**
 * The architectures and names on which this libseccomp and the tables agree: an older one knows fewer calls, and fewer
 * architectures with socketcall.
 */
export const agreement = (
  program: string,
  names: readonly string[],
): { readonly names: readonly string[]; readonly archs: readonly ArchitectureName[] } => {
  const all = Object.keys(ARCHITECTURES) as ArchitectureName[]
  const input = all.map((arch) => `resolve ${token(arch)} ${names.join(' ')}\n`).join('')
  const lines = execFileSync(program, { input, encoding: 'latin1' }).trimEnd().split('\n').slice(1)
  const same = all.map((arch, i) => {
    const numbers = (lines[i] ?? '').trim().split(' ').map(Number)
    return names.map((name, j) => agree(arch, name, numbers[j] ?? -1))
  })
  const x86 = [all.indexOf('SCMP_ARCH_X86'), all.indexOf('SCMP_ARCH_X86_64'), all.indexOf('SCMP_ARCH_X32')]
  const kept = names.map((_, j) => x86.every((i) => same[i]?.[j]))
  const archs = all.filter((_, i) => same[i]?.every((agrees, j) => agrees || !kept[j]))
  return { names: names.filter((_, j) => kept[j]), archs }
}

const agree = (arch: ArchitectureName, name: string, number: number): boolean => {
  const code = multiplexedCode(ARCHITECTURES[arch], name)
  const own = syscallNumber(ARCHITECTURES[arch], name)
  if (syscallIndex(name) === undefined) return number === -1
  if (code > 0) return number === -code
  return own >= 0 ? number === own : number < -1
}

/** The rule that runc puts before libseccomp's filter: ENOSYS for what is newer than the newest call of the profile. */
export const answersEnosys = (
  profile: Seccomp,
  native: ArchitectureName,
  newest: readonly number[],
  record: SyscallRecord,
): boolean => {
  if (['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction)) return false
  return architecturesOf(profile, native).some((name, i) => {
    const arch = ARCHITECTURES[name]
    const last = newest[i] ?? 0
    if (arch.audit !== record.arch || last === 0) return false
    const narrow = (record.number & X32_BIT) !== 0
    if (name === 'SCMP_ARCH_X86_64' && narrow) return false
    if (name === 'SCMP_ARCH_X32' && !narrow) return false
    if (record.number === 0 && (name === 'SCMP_ARCH_S390' || name === 'SCMP_ARCH_S390X')) return true
    return record.number > last
  })
}

/** What the container gets under runc. */
export const libseccompAction = (
  profile: Seccomp,
  native: ArchitectureName,
  exported: Exported,
  record: SyscallRecord,
): number => {
  if (answersEnosys(profile, native, exported.newest, record)) return 0x00050026
  return simulate(exported.program ?? [], record, ARCHITECTURES[native].endian).action
}
