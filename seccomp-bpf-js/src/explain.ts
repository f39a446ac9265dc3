/*
 * Explains which part of a profile decides a system call. The verdict comes from the compiled filter, run in the
 * simulator; this file finds the rule behind it and says which conditions of other rules for the call did not hold.
 */
import { actionValue, describeAction, RETURN_ENOSYS } from './actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName } from './architectures.ts'
import { type CompileOptions, compileSeccomp, type RejectedProfile } from './compile.ts'
import { decodeFilter } from './program.ts'
import type { Operator, Seccomp, SeccompArg, SeccompSyscall } from './seccomp.ts'
import { simulate } from './simulate.ts'
import { multiplexedCode, syscallName, syscallNumber } from './syscalls.ts'

/** A call to explain: by name or number, on the native architecture unless another one is named. */
export interface Call {
  readonly syscall: string | number
  readonly args?: readonly (bigint | number)[]
  readonly arch?: ArchitectureName
}

/** The reason: a rule, the default action, the result for calls newer than the profile, or a foreign architecture. */
export type DecidedBy = 'rule' | 'defaultAction' | 'newer than the profile' | 'architecture'

export interface Explanation {
  readonly problems: readonly []
  readonly name: string
  readonly number: number
  readonly arch: ArchitectureName
  /** The filter's return value, and as text. */
  readonly action: number
  readonly verdict: string
  readonly by: DecidedBy
  /** The place in the profile. */
  readonly path: string
  /** One line for each rule about this call: its path, and which of its conditions hold. */
  readonly considered: readonly string[]
  /** Instructions the filter executes for it. */
  readonly executed: number
  /** A summary in one sentence. */
  readonly text: string
}

const SYMBOLS: Readonly<Record<Operator, string>> = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '==',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
  SCMP_CMP_MASKED_EQ: '&',
}

const hex = (value: bigint | number): string => (value < 10 ? String(value) : `0x${value.toString(16)}`)

const describeArg = ({ index, op, value, valueTwo }: SeccompArg): string => {
  if (op === 'SCMP_CMP_MASKED_EQ') return `args[${index}] & ${hex(value)} == ${hex(valueTwo ?? 0)}`
  return `args[${index}] ${SYMBOLS[op]} ${hex(value)}`
}

const holds = ({ index, op, value, valueTwo }: SeccompArg, args: Call['args'], width: 32 | 64): boolean => {
  const actual = BigInt.asUintN(width, BigInt(args?.[index] ?? 0))
  const wanted = BigInt.asUintN(width, BigInt(value))
  switch (op) {
    case 'SCMP_CMP_NE':
      return actual !== wanted
    case 'SCMP_CMP_LT':
      return actual < wanted
    case 'SCMP_CMP_LE':
      return actual <= wanted
    case 'SCMP_CMP_EQ':
      return actual === wanted
    case 'SCMP_CMP_GE':
      return actual >= wanted
    case 'SCMP_CMP_GT':
      return actual > wanted
    case 'SCMP_CMP_MASKED_EQ':
      return (actual & wanted) === (BigInt.asUintN(width, BigInt(valueTwo ?? 0)) & wanted)
  }
}

/** Whether an entry that names the call matches: all conditions, or any if one argument is compared twice. */
const matches = ({ args = [] }: SeccompSyscall, values: Call['args'], width: 32 | 64): boolean => {
  const anyOf = new Set(args.map(({ index }) => index)).size < args.length
  return anyOf ? args.some((arg) => holds(arg, values, width)) : args.every((arg) => holds(arg, values, width))
}

const consider = (entry: SeccompSyscall, path: string, call: Call, width: 32 | 64): string => {
  const action = describeAction(actionValue(entry.action, entry.errnoRet).value)
  const args = entry.args ?? []
  if (args.length === 0) return `${path}: ${action}, always`
  const conditions = args.map(
    (arg) => `${describeArg(arg)} ${holds(arg, call.args, width) ? 'holds' : 'does not hold'}`,
  )
  return `${path}: ${action} if ${conditions.join(', ')}`
}

/** The names that the rules of a profile may use for a call: its own, and those behind socketcall(2) or ipc(2). */
const namesOf = (arch: Architecture, name: string, args: Call['args'], profile: Seccomp): ReadonlySet<string> => {
  const names = new Set([name])
  const first = name === 'socketcall' ? 100 : name === 'ipc' ? 200 : 0
  const wanted = first + Number(BigInt.asUintN(32, BigInt(args?.[0] ?? 0)))
  if (first === 0) return names
  for (const entry of profile.syscalls ?? [])
    for (const other of entry.names) if (multiplexedCode(arch, other) === wanted) names.add(other)
  return names
}

interface Found {
  readonly by: DecidedBy
  readonly path: string
  readonly considered: readonly string[]
}

const find = (profile: Seccomp, path: string, arch: Architecture, name: string, call: Call, action: number): Found => {
  const names = namesOf(arch, name, call.args, profile)
  const considered: string[] = []
  const deciding: { readonly path: string; readonly always: boolean }[] = []
  for (const [i, entry] of (profile.syscalls ?? []).entries()) {
    if (!entry.names.some((each) => names.has(each))) continue
    const at = `${path}.syscalls[${i}]`
    considered.push(consider(entry, at, call, arch.width))
    const same = actionValue(entry.action, entry.errnoRet).value === action
    if (same && matches(entry, call.args, arch.width))
      deciding.push({ path: at, always: (entry.args ?? []).length === 0 })
  }
  const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet).value
  const rule = deciding.find(({ always }) => always) ?? deciding[0]
  if (rule !== undefined && action !== fallback) return { by: 'rule', path: rule.path, considered }
  if (action === fallback) return { by: 'defaultAction', path: `${path}.defaultAction`, considered }
  if (action === RETURN_ENOSYS) return { by: 'newer than the profile', path: `${path}.syscalls`, considered }
  return { by: 'architecture', path: `${path}.architectures`, considered }
}

const REASONS: Readonly<Record<DecidedBy, string>> = {
  rule: 'this rule matches',
  defaultAction: 'no rule matches',
  'newer than the profile':
    'it is newer than all calls the profile names, so the program is told that it does not exist',
  architecture: 'the profile does not have this architecture',
}

/** Explains the result of a profile for a call. An unknown name is a problem of its own. */
export const explainSyscall = (
  profile: Seccomp,
  options: CompileOptions,
  call: Call,
): Explanation | RejectedProfile => {
  const compiled = compileSeccomp(profile, options)
  if (!('filter' in compiled)) return compiled
  const archName = call.arch ?? options.arch
  const arch: Architecture = ARCHITECTURES[archName]
  const number = typeof call.syscall === 'number' ? call.syscall : syscallNumber(arch, call.syscall)
  if (number < 0)
    return { problems: [{ path: String(call.syscall), message: `no system call of ${archName} has this name` }] }
  const name = typeof call.syscall === 'string' ? call.syscall : (syscallName(arch, number) ?? `number ${number}`)
  const { endian } = ARCHITECTURES[options.arch]
  const record = { arch: arch.audit, number, args: call.args ?? [] }
  const { action, executed } = simulate(decodeFilter(compiled.filter, endian), record, endian)
  const verdict = describeAction(action)
  const found = find(profile, options.path ?? 'linux.seccomp', arch, name, call, action)
  const text = `${name} (${number}, ${archName}): ${verdict}, ${found.path}: ${REASONS[found.by]}`
  return { problems: [], name, number, arch: archName, action, verdict, ...found, executed, text }
}
