// Compares two profiles by what their compiled filters answer (`runt seccomp diff`): each call of each architecture is tried
// without arguments and with those at the edges of every condition on it.

import {
  ARCHITECTURES,
  type Architecture,
  type ArchitectureName,
  compileSeccomp,
  decodeFilter,
  describeAction,
  type Operator,
  simulate,
  syscallNames,
  syscallNumber,
} from 'seccomp-bpf-js'
import type { Seccomp, SeccompArg } from '../config/config.ts'
import { formatProblems, RuntError } from '../errors.ts'
import { withErrnoName } from './errno-name.ts'

type Arguments = readonly bigint[]
type Answer = (arch: Architecture, number: number, args: Arguments) => string

const NO_ARGUMENTS: Arguments = [0n, 0n, 0n, 0n, 0n, 0n]

/** One line for each call with another answer, below its architecture; none if all answers are the same. */
export function compareFilters(
  before: Seccomp | undefined,
  after: Seccomp | undefined,
  native: ArchitectureName,
): readonly string[] {
  const [old, now] = [answerOf(before, native), answerOf(after, native)]
  const names = new Set<ArchitectureName>([native, ...architecturesOf(before), ...architecturesOf(after)])
  const calls = syscallNames().map(
    (call) => [call, [...triedArguments(before, call), ...triedArguments(after, call)]] as const,
  )
  return [...names].flatMap((name) => {
    const lines = calls.flatMap(([call, tried]) => compareCall(call, ARCHITECTURES[name], tried, old, now))
    return lines.length === 0 ? [] : [name, ...lines.map((line) => `  ${line}`)]
  })
}

const architecturesOf = (profile: Seccomp | undefined): readonly ArchitectureName[] => profile?.architectures ?? []

/** Without a profile every call is allowed. */
function answerOf(profile: Seccomp | undefined, native: ArchitectureName): Answer {
  if (profile === undefined) return () => 'ALLOW'
  const compiled = compileSeccomp(profile, { arch: native })
  if (!('filter' in compiled))
    throw new RuntError('config', formatProblems(compiled.problems), {
      path: 'linux.seccomp',
      problems: compiled.problems,
    })
  const { endian } = ARCHITECTURES[native]
  const program = decodeFilter(compiled.filter, endian)
  return ({ audit }, number, args) =>
    withErrnoName(describeAction(simulate(program, { arch: audit, number, args }, endian).action))
}

function compareCall(
  name: string,
  arch: Architecture,
  tried: readonly Arguments[],
  old: Answer,
  now: Answer,
): readonly string[] {
  const number = syscallNumber(arch, name)
  if (number < 0) return []
  const changed = new Map<string, Arguments>()
  const all = [NO_ARGUMENTS, ...tried]
  let same = 0
  for (const args of all) {
    const [one, other] = [old(arch, number, args), now(arch, number, args)]
    if (one === other) same++
    else if (!changed.has(`${one} -> ${other}`)) changed.set(`${one} -> ${other}`, args)
  }
  // One change for all arguments that were tried is told without any.
  if (changed.size === 1 && same === 0) return [`${name}: ${[...changed.keys()].join()}`]
  return [...changed].map(([change, args]) => `${name}(${argumentText(args)}): ${change}`)
}

const argumentText = (args: Arguments): string =>
  args.map((value) => (value < 10n ? String(value) : `0x${value.toString(16)}`)).join(', ')

/** For each rule about a call: arguments that fulfil it, and others at the edges of each condition. */
function triedArguments(profile: Seccomp | undefined, call: string): readonly Arguments[] {
  const rules = profile?.syscalls.filter(({ names, args }) => args.length > 0 && names.includes(call)) ?? []
  return rules.flatMap(({ args }) => {
    const base = args.reduce((vector, arg) => withArgument(vector, arg, fulfilling[arg.op](arg)), NO_ARGUMENTS)
    return [base, ...args.flatMap((arg) => edgesOf(arg).map((value) => withArgument(base, arg, value)))]
  })
}

const withArgument = (vector: Arguments, { index }: SeccompArg, value: bigint): Arguments =>
  vector.map((old, i) => (i === index ? BigInt.asUintN(64, value) : old))

const fulfilling: Readonly<Record<Operator, (arg: SeccompArg) => bigint>> = {
  SCMP_CMP_NE: ({ value }) => value + 1n,
  SCMP_CMP_LT: ({ value }) => value - 1n,
  SCMP_CMP_LE: ({ value }) => value,
  SCMP_CMP_EQ: ({ value }) => value,
  SCMP_CMP_GE: ({ value }) => value,
  SCMP_CMP_GT: ({ value }) => value + 1n,
  SCMP_CMP_MASKED_EQ: ({ value, valueTwo }) => value & valueTwo,
}

const edgesOf = ({ op, value, valueTwo }: SeccompArg): readonly bigint[] =>
  op === 'SCMP_CMP_MASKED_EQ' ? [valueTwo, value & ~valueTwo, value] : [value - 1n, value, value + 1n]
