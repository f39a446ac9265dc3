/*
 * Checks a profile: converts text and numbers to actions, words and rules, and lists every problem with its path.
 * rule-tree.ts decides what the rules mean together.
 */
import { actionValue } from './actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName } from './architectures.ts'
import type { Operator, Seccomp, SeccompArg, SeccompSyscall } from './seccomp.ts'

/** A comparison of one argument; 64-bit values as two words; masks other than all ones only for MASKED_EQ. */
export interface Condition {
  readonly index: number
  readonly op: Operator
  readonly maskHigh: number
  readonly maskLow: number
  readonly high: number
  readonly low: number
}

/** A rule in libseccomp's sense: all conditions hold → action. `source` is the index in `syscalls`. */
export interface Rule {
  readonly source: number
  readonly action: number
  readonly conditions: readonly Condition[]
}

/** One entry of `syscalls`: its names, and the rules for each of them. */
export interface RuleGroup {
  /** Index in `syscalls`. */
  readonly source: number
  readonly names: readonly string[]
  readonly rules: readonly Rule[]
  /** The rules have the default action; libseccomp refuses them. */
  readonly redundant: boolean
}

/** A valid profile in the compiler's form. */
export interface CheckedProfile {
  readonly defaultAction: number
  readonly architectures: readonly Architecture[]
  readonly flags: number
  readonly listener: boolean
  readonly groups: readonly RuleGroup[]
}

/** Filter flags of seccomp(2), uapi/linux/seccomp.h. */
const SECCOMP_FILTER_FLAG_TSYNC = 1
const SECCOMP_FILTER_FLAG_LOG = 2
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4
const SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16
const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32

const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
}

/** The flags of a profile without `flags`, as in runc. */
const DEFAULT_FLAGS: readonly string[] = ['SECCOMP_FILTER_FLAG_SPEC_ALLOW']

const OPERATORS: Readonly<Record<Operator, true>> = {
  SCMP_CMP_NE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_MASKED_EQ: true,
}

/** Adds a problem. The path has two parts, so that it is only put together if there is a problem. */
type Report = (path: string, part: string, message: string) => void

/** The names that libseccomp accepts, for messages. */
const listed = (table: object) => Object.keys(table).join(', ')

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** An unsigned 64-bit integer as two words; undefined if it is not one or was rounded. */
const words = (value: unknown): readonly [high: number, low: number] | undefined => {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) return undefined
    return [Math.floor(value / 0x100000000), value >>> 0]
  }
  if (typeof value !== 'bigint' || value < 0n || value >> 64n !== 0n) return undefined
  return [Number(value >> 32n), Number(value & 0xffffffffn)]
}

const checkArg = (arg: SeccompArg, path: string, report: Report): Condition | undefined => {
  if (typeof arg !== 'object' || arg === null) {
    report(path, '', 'must be an object')
    return undefined
  }
  if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index > 5)
    report(path, '.index', 'must be an integer from 0 to 5')
  const known = Object.hasOwn(OPERATORS, arg.op)
  if (!known) report(path, '.op', `must be one of ${listed(OPERATORS)}`)
  const value = words(arg.value)
  if (value === undefined) report(path, '.value', 'must be an unsigned 64-bit integer, a bigint beyond 2^53')
  const second = words(arg.valueTwo ?? 0)
  if (second === undefined) report(path, '.valueTwo', 'must be an unsigned 64-bit integer, a bigint beyond 2^53')
  if (value === undefined || second === undefined || !known) return undefined
  const { index, op } = arg
  if (op === 'SCMP_CMP_MASKED_EQ')
    return { index, op, maskHigh: value[0], maskLow: value[1], high: second[0], low: second[1] }
  return { index, op, maskHigh: 0xffffffff, maskLow: 0xffffffff, high: value[0], low: value[1] }
}

/** Action and errno as the filter's return value; spec: an errno on an action without one is an error. */
const checkAction = (name: unknown, errno: unknown, path: string, keys: ActionKeys, report: Report): number => {
  const { value, problem } = actionValue(name, errno)
  if (problem !== undefined) report(path, problem.at === 'action' ? keys.action : keys.errno, problem.message)
  return value
}

interface ActionKeys {
  readonly action: string
  readonly errno: string
}

const RULE_KEYS: ActionKeys = { action: '.action', errno: '.errnoRet' }
const DEFAULT_KEYS: ActionKeys = { action: '.defaultAction', errno: '.defaultErrnoRet' }

const checkSyscall = (entry: SeccompSyscall, source: number, path: string, fallback: number, report: Report) => {
  if (typeof entry !== 'object' || entry === null) {
    report(path, '', 'must be an object')
    return undefined
  }
  const action = checkAction(entry.action, entry.errnoRet, path, RULE_KEYS, report)
  const names = Array.isArray(entry.names) ? (entry.names as readonly string[]) : []
  if (names.length === 0) report(path, '.names', 'must be an array with at least one name')
  if (entry.action === 'SCMP_ACT_NOTIFY' && names.includes('write')) {
    const at = `.names[${names.indexOf('write')}]`
    report(path, at, 'SCMP_ACT_NOTIFY cannot be used for write, the runtime needs it to pass the listener on')
  }
  const args: readonly SeccompArg[] = entry.args ?? []
  if (!Array.isArray(args)) report(path, '.args', 'must be an array')
  const conditions: Condition[] = []
  for (let i = 0; i < args.length; i++) {
    const condition = checkArg(args[i] as SeccompArg, `${path}.args[${i}]`, report)
    if (condition !== undefined) conditions.push(condition)
  }
  return { source, names, rules: rulesOf(source, action, conditions), redundant: action === fallback }
}

/**
 * libseccomp takes one condition per argument. As in runc, an entry that compares one argument twice becomes one rule
 * for each of its conditions: they need not hold together.
 */
const rulesOf = (source: number, action: number, conditions: readonly Condition[]): readonly Rule[] => {
  let seen = 0
  let repeated = false
  for (const { index } of conditions) {
    if (seen & (1 << index)) repeated = true
    seen |= 1 << index
  }
  if (!repeated) return [{ source, action, conditions }]
  return conditions.map((condition) => ({ source, action, conditions: [condition] }))
}

const checkArchitectures = (
  names: readonly string[],
  native: Architecture,
  path: string,
  report: Report,
): readonly Architecture[] => {
  const architectures = [native]
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as ArchitectureName
    const architecture = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined
    if (architecture === undefined) report(path, `[${i}]`, `must be one of ${listed(ARCHITECTURES)}`)
    else if (architecture.endian !== native.endian)
      report(path, `[${i}]`, `${names[i]} is ${architecture.endian}-endian, the machine is not`)
    else if (!architectures.includes(architecture)) architectures.push(architecture)
  }
  return architectures
}

const checkFlags = (names: readonly string[], listener: boolean, path: string, report: Report): number => {
  let flags = listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined
    if (flag === undefined) report(path, `[${i}]`, `must be one of ${listed(FLAGS)}`)
    else if (flag === SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !listener)
      report(path, `[${i}]`, 'needs a rule with SCMP_ACT_NOTIFY')
    else flags |= flag
  }
  // Both report through the return value of seccomp(2), so the kernel accepts them together only with this third flag.
  if (flags & SECCOMP_FILTER_FLAG_TSYNC && flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
    flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH
  return flags
}

/** Checks a profile and converts it to the compiler's form; the result is invalid if a problem was reported. */
export const checkProfile = (
  profile: Seccomp,
  native: Architecture,
  path: string,
  report: Report,
): CheckedProfile | undefined => {
  if (typeof profile !== 'object' || profile === null) {
    report(path, '', 'must be an object')
    return undefined
  }
  for (const list of ['architectures', 'flags', 'syscalls'] as const)
    if (profile[list] !== undefined && !Array.isArray(profile[list])) {
      report(path, `.${list}`, 'must be an array')
      return undefined
    }
  const { defaultAction: fallback, defaultErrnoRet } = profile
  const ignored = fallback === 'SCMP_ACT_ALLOW' || fallback === 'SCMP_ACT_LOG' // as runc does
  const defaultAction = checkAction(fallback, ignored ? undefined : defaultErrnoRet, path, DEFAULT_KEYS, report)
  if (profile.defaultAction === 'SCMP_ACT_NOTIFY')
    report(path, DEFAULT_KEYS.action, 'SCMP_ACT_NOTIFY cannot be used as default action')
  const architectures = checkArchitectures(profile.architectures ?? [], native, `${path}.architectures`, report)
  const groups: RuleGroup[] = []
  let listener = false
  const entries = profile.syscalls ?? []
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as SeccompSyscall
    const group = checkSyscall(entry, i, `${path}.syscalls[${i}]`, defaultAction, report)
    if (group === undefined) continue
    groups.push(group)
    if (entry.action === 'SCMP_ACT_NOTIFY') listener = true
  }
  const flags = checkFlags(profile.flags ?? DEFAULT_FLAGS, listener, `${path}.flags`, report)
  if (listener && !isText(profile.listenerPath))
    report(path, '.listenerPath', 'must be set, a rule uses SCMP_ACT_NOTIFY')
  if (isText(profile.listenerMetadata) && !isText(profile.listenerPath))
    report(path, '.listenerMetadata', 'must not be set without listenerPath')
  return { defaultAction, architectures, flags, listener, groups }
}
