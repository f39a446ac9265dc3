/*
 * The architectures of libseccomp: what the kernel calls them (AUDIT_ARCH_*, uapi/linux/audit.h), how wide an argument
 * is, and which of them hide the socket and System V IPC calls behind socketcall(2) and ipc(2).
 */
import type { TABLES } from './syscall-tables.ts'

/** An architecture as an OCI profile names it. */
export type ArchitectureName = keyof typeof ARCHITECTURES

/** Facts about an architecture for the compiler. */
export interface Architecture {
  readonly name: string
  /** `seccomp_data.arch` */
  readonly audit: number
  /** Bits of an argument that rules compare; libseccomp ignores the upper word of 32-bit architectures. */
  readonly width: 32 | 64
  readonly endian: 'little' | 'big'
  readonly table: keyof typeof TABLES
  /** Number of the first call in the kernel's table. */
  readonly base: number
  readonly multiplex: 'direct' | 'multiplexed'
}

/** The bit that distinguishes x32 calls from x86_64 calls, `__X32_SYSCALL_BIT`. */
export const X32_BIT = 0x40000000

const LITTLE = 0x40000000
const WIDE = 0x80000000
const N32 = 0x20000000

const arch = (
  name: string,
  audit: number,
  table: Architecture['table'],
  multiplex: Architecture['multiplex'] = 'direct',
  base = 0,
): Architecture => ({
  name,
  audit,
  width: audit & WIDE && !(audit & N32) && table !== 'x32' ? 64 : 32,
  endian: audit & LITTLE ? 'little' : 'big',
  table,
  base,
  multiplex,
})

/** Every architecture of the spec, by its name there. */
export const ARCHITECTURES = {
  SCMP_ARCH_X86: arch('SCMP_ARCH_X86', 3 | LITTLE, 'x86', 'multiplexed'),
  SCMP_ARCH_X86_64: arch('SCMP_ARCH_X86_64', 62 + LITTLE + WIDE, 'x86_64'),
  SCMP_ARCH_X32: arch('SCMP_ARCH_X32', 62 + LITTLE + WIDE, 'x32', 'direct', X32_BIT),
  SCMP_ARCH_ARM: arch('SCMP_ARCH_ARM', 40 + LITTLE, 'arm'),
  SCMP_ARCH_AARCH64: arch('SCMP_ARCH_AARCH64', 183 + LITTLE + WIDE, 'aarch64'),
  SCMP_ARCH_MIPS: arch('SCMP_ARCH_MIPS', 8, 'mips', 'multiplexed', 4000),
  SCMP_ARCH_MIPS64: arch('SCMP_ARCH_MIPS64', 8 + WIDE, 'mips64', 'direct', 5000),
  SCMP_ARCH_MIPS64N32: arch('SCMP_ARCH_MIPS64N32', 8 + WIDE + N32, 'mips64n32', 'direct', 6000),
  SCMP_ARCH_MIPSEL: arch('SCMP_ARCH_MIPSEL', 8 + LITTLE, 'mips', 'multiplexed', 4000),
  SCMP_ARCH_MIPSEL64: arch('SCMP_ARCH_MIPSEL64', 8 + LITTLE + WIDE, 'mips64', 'direct', 5000),
  SCMP_ARCH_MIPSEL64N32: arch('SCMP_ARCH_MIPSEL64N32', 8 + LITTLE + WIDE + N32, 'mips64n32', 'direct', 6000),
  SCMP_ARCH_PPC: arch('SCMP_ARCH_PPC', 20, 'ppc', 'multiplexed'),
  SCMP_ARCH_PPC64: arch('SCMP_ARCH_PPC64', 21 + WIDE, 'ppc64', 'multiplexed'),
  SCMP_ARCH_PPC64LE: arch('SCMP_ARCH_PPC64LE', 21 + WIDE + LITTLE, 'ppc64', 'multiplexed'),
  SCMP_ARCH_S390: arch('SCMP_ARCH_S390', 22, 's390', 'multiplexed'),
  SCMP_ARCH_S390X: arch('SCMP_ARCH_S390X', 22 + WIDE, 's390x', 'multiplexed'),
  SCMP_ARCH_PARISC: arch('SCMP_ARCH_PARISC', 15, 'parisc'),
  SCMP_ARCH_PARISC64: arch('SCMP_ARCH_PARISC64', 15 + WIDE, 'parisc64'),
  SCMP_ARCH_RISCV64: arch('SCMP_ARCH_RISCV64', 243 + WIDE + LITTLE, 'riscv64'),
  SCMP_ARCH_LOONGARCH64: arch('SCMP_ARCH_LOONGARCH64', 258 + WIDE + LITTLE, 'loongarch64'),
  SCMP_ARCH_M68K: arch('SCMP_ARCH_M68K', 4, 'm68k', 'multiplexed'),
  SCMP_ARCH_SH: arch('SCMP_ARCH_SH', 42 + LITTLE, 'sh', 'multiplexed'),
  SCMP_ARCH_SHEB: arch('SCMP_ARCH_SHEB', 42, 'sh', 'multiplexed'),
} as const

/**
 * The architecture of a call, by `seccomp_data.arch` and the number of the call: x86_64 and x32 share the former.
 * undefined for an unknown `audit`.
 */
export function architectureOf(audit: number, number = 0): Architecture | undefined {
  const same = Object.values<Architecture>(ARCHITECTURES).filter((arch) => arch.audit === audit)
  return same.find(({ base }) => base !== 0 && number >= base) ?? same.find(({ base }) => base === 0) ?? same[0]
}
