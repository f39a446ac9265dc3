/*
 * What a profile means, read literally and slowly: no tree, no table, no instruction. The tests hold the compiler against
 * it. Where rules with different actions match one call the profile itself does not say, and this does not either.
 */
import { actionValue } from '../src/actions.ts'
import { ARCHITECTURES, type Architecture, type ArchitectureName } from '../src/architectures.ts'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../src/seccomp.ts'
import type { SyscallRecord } from '../src/simulate.ts'
import { multiplexedCode, syscallIndex, syscallNumber } from '../src/syscalls.ts'

const KILL = 0
const ENOSYS = 0x00050026

const holds = (arg: SeccompArg, record: SyscallRecord, width: 32 | 64): boolean => {
  const trim = (value: bigint | number) => BigInt.asUintN(width, BigInt(value))
  const actual = trim(record.args[arg.index] ?? 0)
  const value = trim(arg.value)
  switch (arg.op) {
    case 'SCMP_CMP_NE':
      return actual !== value
    case 'SCMP_CMP_LT':
      return actual < value
    case 'SCMP_CMP_LE':
      return actual <= value
    case 'SCMP_CMP_EQ':
      return actual === value
    case 'SCMP_CMP_GE':
      return actual >= value
    case 'SCMP_CMP_GT':
      return actual > value
    case 'SCMP_CMP_MASKED_EQ':
      return (actual & value) === (trim(arg.valueTwo ?? 0) & value)
  }
}

/** A mask without bits on this architecture compares nothing. */
const compares = (arg: SeccompArg, width: 32 | 64): boolean =>
  arg.op !== 'SCMP_CMP_MASKED_EQ' || BigInt.asUintN(width, BigInt(arg.value)) !== 0n

/** The conditions under which an entry matches: all of one of these lists. */
const alternatives = (entry: SeccompSyscall): readonly (readonly SeccompArg[])[] => {
  const args = entry.args ?? []
  const repeated = new Set(args.map((arg) => arg.index)).size !== args.length
  return repeated ? args.map((arg) => [arg]) : [args]
}

const sameCall = (arch: Architecture, name: string, record: SyscallRecord): 'direct' | 'through' | undefined => {
  if (syscallNumber(arch, name) === record.number) return 'direct'
  const code = multiplexedCode(arch, name)
  if (code < 0 || syscallNumber(arch, code < 200 ? 'socketcall' : 'ipc') !== record.number) return undefined
  const call: SeccompArg = { index: 0, op: 'SCMP_CMP_EQ', value: code % 100 }
  return holds(call, record, arch.width) ? 'through' : undefined
}

const newest = (profile: Seccomp, arch: Architecture): number => {
  let number = 0
  for (const { names } of profile.syscalls ?? [])
    for (const name of names) if (multiplexedCode(arch, name) < 0) number = Math.max(number, syscallNumber(arch, name))
  return number
}

/** The architecture a call belongs to within a profile: x32 and x86_64 share one audit number. */
const architectureOf = (archs: readonly Architecture[], record: SyscallRecord): Architecture | undefined => {
  const same = archs.filter((arch) => arch.audit === record.arch)
  if (same.length === 0 || same[0]?.audit !== ARCHITECTURES.SCMP_ARCH_X86_64.audit) return same[0]
  return same.find((arch) => (arch.table === 'x32') === ((record.number & 0x40000000) !== 0))
}

/** The action a profile takes; undefined when matching rules disagree. */
export const evaluate = (profile: Seccomp, native: ArchitectureName, record: SyscallRecord): number | undefined => {
  const archs = [...new Set([native, ...(profile.architectures ?? [])])].map(
    (name): Architecture => ARCHITECTURES[name],
  )
  const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet).value
  if (!archs.some(({ audit }) => audit === record.arch)) return KILL
  const arch = architectureOf(archs, record)
  const shy = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(profile.defaultAction)
  if (!shy && arch !== undefined) {
    const last = newest(profile, arch)
    if (last > 0 && (record.number > last || (record.number === 0 && arch.table.startsWith('s390')))) return ENOSYS
  }
  if (record.arch === ARCHITECTURES.SCMP_ARCH_X86_64.audit) {
    const has = (table: string) => archs.some((each) => each.table === table)
    if (!has('x32') && record.number >= 0x40000000) return record.number === 0xffffffff ? fallback : KILL
    if (!has('x86_64') && record.number < 0x40000000) return KILL
  }
  if (arch === undefined) return fallback
  return matching(profile, arch, record, fallback)
}

const matching = (
  profile: Seccomp,
  arch: Architecture,
  record: SyscallRecord,
  fallback: number,
): number | undefined => {
  const actions = new Set<number>()
  let unconditional: number | undefined
  for (const entry of profile.syscalls ?? []) {
    const action = actionValue(entry.action, entry.errnoRet).value
    if (action === fallback) continue
    for (const name of entry.names) {
      const call = syscallIndex(name) !== undefined ? sameCall(arch, name, record) : undefined
      if (call === undefined) continue
      for (const args of alternatives(entry)) {
        const open = args.filter((arg) => compares(arg, arch.width) && (call === 'direct' || arg.index !== 0))
        if (call === 'direct' && open.length === 0) unconditional ??= action
        if (open.every((arg) => holds(arg, record, arch.width))) actions.add(action)
      }
    }
  }
  if (unconditional !== undefined) return unconditional
  if (actions.size > 1) return undefined
  for (const action of actions) return action
  return fallback
}
