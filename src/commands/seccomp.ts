// seccomp: prints a bundle's system call filter, or which part of the profile decides about a call (config-linux.md
// "Seccomp"). Changes and loads nothing; the verdicts come from running the compiled filter in seccomp-bpf-js.

import {
  ARCHITECTURES,
  type ArchitectureName,
  type CompileOptions,
  compileSeccomp,
  decodeFilter,
  disassemble,
  explainSyscall,
} from 'seccomp-bpf-js'
import { type Run, STDOUT } from '../cli/context.ts'
import type { Seccomp } from '../config/config.ts'
import { formatProblems, RuntError } from '../errors.ts'
import { warnOf } from '../launch/load-bundle.ts'
import { loadSource } from '../launch/open-source.ts'
import { hostFacts } from '../plan/host-facts.ts'

const MAX_ARGUMENT = 5

export const seccomp: Run<'seccomp'> = ({ native, log }, flags, [given]) => {
  const call = flags.syscall
  if (call === undefined && (flags.arg.length > 0 || flags.arch !== undefined))
    throw new RuntError('usage', '--arg and --arch go with --syscall')
  const bundle = loadSource(native, given, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  const profile = bundle.config.linux.seccomp
  if (profile === undefined) {
    native.write(STDOUT, 'linux.seccomp: there is none, every system call is allowed\n')
    return 0
  }
  const options = { arch: hostFacts(native.probe()).arch }
  const text =
    call === undefined
      ? filterText(profile, options, log.warn)
      : callText(profile, options, call, flags.arg, archOf(flags.arch))
  native.write(STDOUT, text)
  return 0
}

function filterText(profile: Seccomp, options: CompileOptions, warn: (message: string) => void): string {
  const result = compileSeccomp(profile, options)
  if (!('filter' in result))
    throw new RuntError('config', formatProblems(result.problems), { path: 'linux.seccomp', problems: result.problems })
  for (const warning of result.warnings) warn(`linux.seccomp: ${warning}`)
  const { endian } = ARCHITECTURES[options.arch]
  return disassemble(decodeFilter(result.filter, endian), endian)
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
  const explained = explainSyscall(profile, options, { syscall, args: argumentsOf(args), ...(arch && { arch }) })
  if (!('verdict' in explained)) throw new RuntError('usage', formatProblems(explained.problems))
  return [explained.text, ...explained.considered.map((line) => `  ${line}`), ''].join('\n')
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

function archOf(name: string | undefined): ArchitectureName | undefined {
  if (name === undefined || Object.hasOwn(ARCHITECTURES, name)) return name as ArchitectureName | undefined
  throw new RuntError('usage', `--arch ${name}: must be one of ${Object.keys(ARCHITECTURES).join(', ')}`)
}
