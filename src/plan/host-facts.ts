// Facts about the host that a plan depends on, probed once. Pure: converts the result of native.probe().

import type { ArchitectureName } from 'seccomp-bpf-js'
import { type CgroupHost, parseHierarchies } from '../cgroup/hierarchies.ts'
import type { HostProbe } from '../native.ts'

export interface HostFacts {
  readonly arch: ArchitectureName
  readonly euid: number
  readonly egid: number
  /** Bit n: capability n is in the bounding set. */
  readonly boundingSet: bigint
  readonly cgroups: CgroupHost
  readonly apparmor: boolean
  readonly selinux: boolean
  readonly inUserNamespace: boolean
  readonly ownsMounts: boolean
}

/** Whether the runtime is not root on the host. */
export const isUnprivileged = ({ euid, inUserNamespace }: Pick<HostFacts, 'euid' | 'inUserNamespace'>): boolean =>
  euid !== 0 || inUserNamespace

/**
 * --rootless (runc(8)): whether to ignore cgroup permission errors; if absent or `auto`, for users who must expect
 * them.
 */
export function isTolerant(flag: RootlessFlag | undefined, facts: HostFacts): boolean {
  return flag === 'true' || (flag !== 'false' && isUnprivileged(facts))
}

export type RootlessFlag = 'true' | 'false' | 'auto'

/** uname(2)'s machine. */
const architectures: Readonly<Record<string, ArchitectureName>> = {
  x86_64: 'SCMP_ARCH_X86_64',
  aarch64: 'SCMP_ARCH_AARCH64',
}

export function hostFacts(probe: HostProbe): HostFacts {
  return {
    arch: architectures[probe.machine] ?? 'SCMP_ARCH_X86_64',
    euid: probe.euid,
    egid: probe.egid,
    boundingSet: probe.boundingSet,
    cgroups: parseHierarchies(probe),
    apparmor: probe.apparmor,
    selinux: probe.selinux,
    inUserNamespace: probe.inUserNamespace,
    ownsMounts: probe.ownsMounts,
  }
}
