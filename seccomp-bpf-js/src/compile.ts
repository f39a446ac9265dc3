/*
 * The compiler: turns a profile and the machine's architecture into the filter for seccomp(2) and its flags.
 */
import { BAD_ARCHITECTURE, SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_USER_NOTIF } from './actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName } from './architectures.ts'
import { numberRanges } from './number-ranges.ts'
import { type NumberTable, numberTables, unconditionalAction } from './number-tables.ts'
import { type Merging, newMerging, type Outcome } from './outcomes.ts'
import { checkProfile } from './profile.ts'
import { BPF_JEQ_K, BPF_LD_W_ABS, MAX_INSTRUCTIONS, type ProgramWriter, programWriter } from './program.ts'
import { readRules } from './rule-book.ts'
import { writeSearch } from './search.ts'
import type { Problem, Seccomp } from './seccomp.ts'
import { syscallNames } from './syscalls.ts'
import { writeDecision } from './write-decision.ts'

export interface CompileOptions {
  /** The architecture the filter is loaded on; it is always part of the filter. */
  readonly arch: ArchitectureName
  /** The profile's path in its document, for problems: default `linux.seccomp`. */
  readonly path?: string
  /** Calls that the caller needs; `denied` lists those that the filter never allows. */
  readonly needed?: readonly string[]
}

/** A call that the filter denies for all arguments. */
export interface DeniedCall {
  readonly name: string
  /** What the filter returns. */
  readonly action: number
}

/** A filter ready for seccomp(SECCOMP_SET_MODE_FILTER). */
export interface CompiledFilter {
  readonly problems: readonly []
  /** `struct sock_filter[]` in the byte order of the architecture. */
  readonly filter: Uint8Array
  readonly instructionCount: number
  /** SECCOMP_FILTER_FLAG_* */
  readonly flags: number
  /** Whether the flags request a listener: seccomp(2) returns a descriptor for `listenerPath`. */
  readonly listener: boolean
  readonly warnings: readonly string[]
  /** Among the calls in `needed`, on the native architecture. */
  readonly denied: readonly DeniedCall[]
}

/** A profile that cannot be compiled. */
export interface RejectedProfile {
  readonly problems: readonly [Problem, ...Problem[]]
}

export type CompileResult = CompiledFilter | RejectedProfile

/** Offsets in `struct seccomp_data`. */
const OFFSET_NUMBER = 0
const OFFSET_ARCH = 4

/** Writes the whole filter from its end: the native architecture comes first, so it is checked first. */
const writeFilter = (tables: readonly NumberTable[][], merging: Merging, endian: 'little' | 'big'): ProgramWriter => {
  const writer = programWriter((id, into) => {
    const outcome = merging.outcomes.list[id] as Outcome
    return typeof outcome === 'number' ? into.ret(outcome) : writeDecision(outcome, into, endian)
  })
  let otherArchitectures: number | undefined
  for (let i = tables.length - 1; i >= 0; i--) {
    const together = tables[i] as NumberTable[]
    const ranges = numberRanges(together, merging)
    writer.goto(writeSearch(ranges, writer))
    const numbers = writer.step(BPF_LD_W_ABS, OFFSET_NUMBER)
    const otherwise = otherArchitectures ?? writer.ret(BAD_ARCHITECTURE)
    otherArchitectures = writer.jump(BPF_JEQ_K, (together[0] as NumberTable).arch.audit, numbers, otherwise)
  }
  writer.step(BPF_LD_W_ABS, OFFSET_ARCH)
  return writer
}

/** The names that are never allowed, for any arguments. An agent may allow a call. */
const deniedCalls = (
  names: readonly string[],
  native: Architecture,
  tables: readonly (readonly NumberTable[])[],
  merging: Merging,
): readonly DeniedCall[] => {
  const table = tables.flat().find(({ arch }) => arch === native) as NumberTable
  return names.flatMap((name) => {
    const action = unconditionalAction(name, table, merging)
    return action === undefined || LETS_THROUGH.includes((action & 0xffff0000) >>> 0) ? [] : [{ name, action }]
  })
}

const LETS_THROUGH = [SECCOMP_RET_ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_USER_NOTIF]

/** Compiles an OCI seccomp profile. Problems are returned, not thrown, each with its path in the document. */
export const compileSeccomp = (profile: Seccomp, options: CompileOptions): CompileResult => {
  const path = options.path ?? 'linux.seccomp'
  const native: Architecture = ARCHITECTURES[options.arch]
  const problems: Problem[] = []
  const report = (at: string, part: string, message: string) => void problems.push({ path: at + part, message })
  const checked = checkProfile(profile, native, path, report)
  if (checked === undefined || problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  const book = readRules(checked, (source, at) =>
    report(path, `.syscalls[${source}].names[${at}]`, 'must be the name of a system call'),
  )
  if (problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  const merging = newMerging(checked.defaultAction, book.lists, (rule, index) => {
    const at = `${path}.syscalls[${rule.source}]`
    const message = `${syscallNames()[index]} has another action already under the same conditions`
    if (!problems.some((problem) => problem.path === at)) report(at, '', message)
  })
  const tables = numberTables(checked, book, merging)
  const writer = writeFilter(tables, merging, native.endian)
  const count = writer.count()
  if (count > MAX_INSTRUCTIONS)
    report(path, '.syscalls', `compiles to ${count} instructions, the kernel takes ${MAX_INSTRUCTIONS}`)
  if (problems.length > 0) return { problems: problems as [Problem, ...Problem[]] }
  return {
    problems: [],
    filter: writer.encode(native.endian),
    instructionCount: count,
    flags: checked.flags,
    listener: checked.listener,
    denied: deniedCalls(options.needed ?? [], native, tables, merging),
    warnings: book.unknown.length > 0 ? [`unknown system calls skipped: ${book.unknown.join(', ')}`] : [],
  }
}
