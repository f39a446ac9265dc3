// What a plan depends on beside the config: the host, probed once. Pure: it only reads what native.probe() found.

import type { ArchitectureName } from 'seccomp-bpf-js'
import { type CgroupHost, parseHierarchies } from '../cgroup/hierarchies.ts'
import type { HostProbe } from '../native.ts'

export interface HostFacts {
  readonly arch: ArchitectureName
  readonly euid: number
  readonly egid: number
  /** Bit n: capability n may be had. */
  readonly boundingSet: bigint
  readonly cgroups: CgroupHost
  readonly apparmor: boolean
  readonly selinux: boolean
  readonly inUserNamespace: boolean
}

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
  }
}
