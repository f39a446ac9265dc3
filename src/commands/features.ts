// features (features.md, features-linux.md): what this runtime supports, for engines that check before they use it:
// containerd reads idmap, CRI-O and dockerd look for "rro" and the two versions. Derived from the tables that the code
// uses where they exist; the same on every host.

import { ARCHITECTURES } from 'seccomp-bpf-js'
import { type Run, STDOUT } from '../cli/context.ts'
import { SPEC_VERSION, VERSION } from '../cli/version.ts'
import type { Hooks, NamespaceType, SeccompAction, SeccompFlag, SeccompOperator } from '../config/config.ts'
import { capabilityNames } from '../config/kernel-names.ts'
import { memoryPolicyFlags, memoryPolicyModes } from '../plan/memory-policy.ts'
import { knownMountOptions } from '../plan/mount-options.ts'
import { namespaceFlags } from '../plan/namespaces.ts'

// Records by type, so that a new word of the spec is a compile error. False: known, but not supported yet.
const hooks: Record<keyof Hooks, true> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
}
const seccompActions: Record<SeccompAction, boolean> = {
  SCMP_ACT_ALLOW: true,
  SCMP_ACT_ERRNO: true,
  SCMP_ACT_KILL: true,
  SCMP_ACT_KILL_PROCESS: true,
  SCMP_ACT_KILL_THREAD: true,
  SCMP_ACT_LOG: true,
  SCMP_ACT_NOTIFY: true,
  SCMP_ACT_TRACE: true,
  SCMP_ACT_TRAP: true,
}
const seccompOperators: Record<SeccompOperator, true> = {
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_MASKED_EQ: true,
  SCMP_CMP_NE: true,
}
const seccompFlags: Record<SeccompFlag, boolean> = {
  SECCOMP_FILTER_FLAG_LOG: true,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: true,
  SECCOMP_FILTER_FLAG_TSYNC: true,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: true,
}

const supported = (table: Readonly<Record<string, boolean>>): readonly string[] =>
  Object.keys(table).filter((name) => table[name])

/** The features structure, keys in the order of the spec. */
export function featuresObject() {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: Object.keys(hooks),
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: (Object.keys(namespaceFlags) as NamespaceType[]).sort(),
      capabilities: capabilityNames,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: supported(seccompActions),
        operators: Object.keys(seccompOperators),
        archs: Object.keys(ARCHITECTURES).sort(),
        knownFlags: Object.keys(seccompFlags),
        supportedFlags: supported(seccompFlags),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: { modes: Object.keys(memoryPolicyModes), flags: Object.keys(memoryPolicyFlags) },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    // Engines look for the second key under this name, whatever the runtime.
    annotations: { 'org.runt.version': VERSION, 'org.opencontainers.runc.checkpoint.enabled': 'true' },
    // Whoever can set these gets more than the rest of the config allows: any property of the unit, the caller's
    // groups, files and sockets of the host.
    potentiallyUnsafeConfigAnnotations: [
      'org.criu.config',
      'org.systemd.property.',
      'run.oci.hooks.stderr',
      'run.oci.hooks.stdout',
      'run.oci.keep_original_groups',
      'run.oci.seccomp.receiver',
    ],
  }
}

export const features: Run<'features'> = ({ native }) => {
  native.write(STDOUT, `${JSON.stringify(featuresObject(), null, 2)}\n`)
  return 0
}
