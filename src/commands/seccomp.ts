// seccomp: prints a bundle's system call filter, which part of the profile decides about a call, or what two bundles' filters
// answer differently (config-linux.md "Seccomp"). Changes and loads nothing; the verdicts come from running the compiled filter in seccomp-bpf-js.

import {
  ARCHITECTURES,
  type ArchitectureName,
  type CompileOptions,
  compileSeccomp,
  decodeFilter,
  disassemble,
  explainSyscall,
  syscallNames,
} from 'seccomp-bpf-js'
import { type Context, type Run, STDOUT } from '../cli/context.ts'
import type { Seccomp } from '../config/config.ts'
import { formatProblems, RuntError } from '../errors.ts'
import { warnOf } from '../launch/load-bundle.ts'
import { loadSource } from '../launch/open-source.ts'
import { compareFilters } from '../plan/compare-filters.ts'
import { withErrnoName } from '../plan/errno-name.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { suggest } from '../suggest.ts'

const MAX_ARGUMENT = 5

export const seccomp: Run<'seccomp'> = (context, flags, [first, second, third]) => {
  const { native } = context
  const call = flags.syscall
  if (call === undefined && (flags.arg.length > 0 || flags.arch !== undefined))
    throw new RuntError('usage', '--arg and --arch go with --syscall')
  const options = { arch: hostFacts(native.probe()).arch }
  if (first === 'diff' && second !== undefined && third !== undefined) {
    if (call !== undefined || flags.bundle !== undefined)
      throw new RuntError('usage', '"seccomp diff" takes no other flag')
    const [before, after] = [profileOf(context, second, undefined), profileOf(context, third, undefined)]
    native.write(
      STDOUT,
      compareFilters(before, after, options.arch)
        .map((line) => `${line}\n`)
        .join(''),
    )
    return 0
  }
  if (second !== undefined)
    throw new RuntError('usage', '"seccomp" takes one bundle, or diff and two bundles: runt seccomp diff A B')
  const profile = profileOf(context, first, flags.bundle)
  if (profile === undefined) {
    native.write(STDOUT, 'linux.seccomp: there is none, every system call is allowed\n')
    return 0
  }
  const text =
    call === undefined
      ? filterText(profile, options, context.log.warn)
      : callText(profile, options, call, flags.arg, archOf(flags.arch))
  native.write(STDOUT, text)
  return 0
}

function profileOf(
  { native, log }: Context,
  given: string | undefined,
  bundle: string | undefined,
): Seccomp | undefined {
  const { config, warnings } = loadSource(native, given, bundle)
  warnOf(warnings, log.warn)
  return config.linux.seccomp
}

function filterText(profile: Seccomp, options: CompileOptions, warn: (message: string) => void): string {
  const result = compileSeccomp(profile, options)
  if (!('filter' in result))
    throw new RuntError('config', formatProblems(result.problems), { path: 'linux.seccomp', problems: result.problems })
  for (const warning of result.warnings) warn(`linux.seccomp: ${warning}`)
  const { endian } = ARCHITECTURES[options.arch]
  return withErrnoName(disassemble(decodeFilter(result.filter, endian), endian))
}

/** The verdict, and below it every rule about the call. */
function callText(
  profile: Seccomp,
  options: CompileOptions,
  call: string,
  args: readonly string[],
  arch: ArchitectureName | undefined,
): string {
  const syscall = /^\d{1,9}$/.test(call) ? Number(call) : call
  if (typeof syscall === 'string' && !syscallNames().includes(syscall)) throw unknownCall(syscall)
  const explained = explainSyscall(profile, options, { syscall, args: argumentsOf(args), ...(arch && { arch }) })
  if (!('verdict' in explained)) throw new RuntError('usage', formatProblems(explained.problems))
  return withErrnoName([explained.text, ...explained.considered.map((line) => `  ${line}`), ''].join('\n'))
}

function unknownCall(name: string): RuntError {
  const meant = suggest(name, syscallNames())
  return new RuntError(
    'usage',
    `--syscall ${name}: unknown system call${meant === undefined ? '' : `; did you mean ${meant}?`}`,
  )
}

/** Parses `N=VALUE` words; arguments that are not given are 0. */
function argumentsOf(given: readonly string[]): bigint[] {
  const args: bigint[] = []
  for (let i = 0; i <= MAX_ARGUMENT; i++) args.push(0n)
  for (const text of given) {
    const at = text.indexOf('=')
    const [index, value] = [text.slice(0, at), text.slice(at + 1)]
    if (!/^[0-5]$/.test(index) || !/^(0x[0-9a-fA-F]{1,16}|-?\d{1,20})$/.test(value))
      throw new RuntError(
        'usage',
        `--arg ${text}: must be an argument from 0 to ${MAX_ARGUMENT} and its value, as 2=0x80000`,
      )
    args[Number(index)] = BigInt.asUintN(64, BigInt(value))
  }
  return args
}

/** What uname(1), Debian and Go call an architecture, where libseccomp has another name. */
const usualNames: Readonly<Record<string, ArchitectureName>> = {
  amd64: 'SCMP_ARCH_X86_64',
  i386: 'SCMP_ARCH_X86',
  i686: 'SCMP_ARCH_X86',
  '386': 'SCMP_ARCH_X86',
  arm64: 'SCMP_ARCH_AARCH64',
  armhf: 'SCMP_ARCH_ARM',
  armv7l: 'SCMP_ARCH_ARM',
  ppc64el: 'SCMP_ARCH_PPC64LE',
  loong64: 'SCMP_ARCH_LOONGARCH64',
  mips64el: 'SCMP_ARCH_MIPSEL64',
}

/** With or without SCMP_ARCH_, in upper or lower case. */
function archOf(name: string | undefined): ArchitectureName | undefined {
  if (name === undefined) return undefined
  const lower = name.toLowerCase()
  const plain = `SCMP_ARCH_${lower.replace(/^scmp_arch_/, '').toUpperCase()}`
  const found = Object.hasOwn(usualNames, lower) ? usualNames[lower] : plain
  if (found !== undefined && Object.hasOwn(ARCHITECTURES, found)) return found as ArchitectureName
  const known = Object.keys(ARCHITECTURES).map((key) => key.slice('SCMP_ARCH_'.length).toLowerCase())
  const meant = suggest(lower, [...known, ...Object.keys(usualNames)])
  const hint = meant === undefined ? `: known are ${known.join(', ')}` : `; did you mean ${meant}?`
  throw new RuntError('usage', `--arch ${name}: unknown architecture${hint}`)
}
