/*
 * The OCI seccomp object (config-linux.md, "Seccomp") as types.
 */
import type { ActionName } from './actions.ts'
import type { ArchitectureName } from './architectures.ts'

/** One of the seven comparisons of libseccomp. */
export type Operator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

/** `linux.seccomp.syscalls[].args[]`. Values are unsigned 64-bit; a `number` must be a safe integer. */
export interface SeccompArg {
  readonly index: number
  readonly value: bigint | number
  readonly valueTwo?: bigint | number
  readonly op: Operator
}

/** `linux.seccomp.syscalls[]`. */
export interface SeccompSyscall {
  readonly names: readonly string[]
  readonly action: ActionName
  readonly errnoRet?: number
  readonly args?: readonly SeccompArg[]
}

/** `linux.seccomp`. */
export interface Seccomp {
  readonly defaultAction: ActionName
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly ArchitectureName[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SeccompSyscall[]
}

/** A problem of a profile, with its path. */
export interface Problem {
  readonly path: string
  readonly message: string
}
