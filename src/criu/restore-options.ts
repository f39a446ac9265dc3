// The options of CRIU for `restore` (runc-restore(8), criu(8) "restore"). CRIU already runs in the container's cgroups
// and sees the root file system as a mount of its own (criu/plan-criu.ts), so it only has to fill both.

import type { FlagsOf } from '../cli/command-table.ts'
import type { Config } from '../config/config.ts'
import { sharedOptions } from './dump-options.ts'
import { type ExternalMount, externalNames, externalNamespaces } from './external.ts'
import { type CriuOptions, cgroupModes } from './rpc.ts'

export interface RestoreTarget {
  readonly rootfs: string
  /** The host's mounts, by the names that the checkpoint gave them. */
  readonly mounts: readonly Pick<ExternalMount, 'name' | 'source'>[]
  /** The container's cgroups by controller, as in /proc/PID/cgroup, relative to the hierarchy's root. */
  readonly cgroups: { readonly [controller: string]: string }
  /** What the standard streams were at the checkpoint, from /proc/PID/fd. */
  readonly streams: readonly string[]
  /** The number of the first descriptor that is passed to CRIU for external namespaces. */
  readonly firstNamespace: number
}

export function restoreOptions(config: Config, target: RestoreTarget, flags: FlagsOf<'restore'>): CriuOptions {
  const { streams } = target
  const namespaces = externalNamespaces(config)
  // CRIU itself opens the other namespaces given by path.
  const joined = config.linux.namespaces.flatMap(({ type, path }) =>
    path === undefined || type in externalNames ? [] : [{ ns: type === 'mount' ? 'mnt' : type, ns_file: path }],
  )
  // Else CRIU would make those of the checkpoint, which nobody would remove.
  const hasNoCgroups = Object.keys(target.cgroups).length === 0
  return {
    ...sharedOptions(flags, config.annotations),
    ...(hasNoCgroups && { manage_cgroups: false, manage_cgroups_mode: cgroupModes.ignore }),
    log_file: 'restore.log',
    root: target.rootfs,
    evasive_devices: true,
    // The container's process becomes our child, not CRIU's.
    rst_sibling: true,
    lsm_profile: flags['lsm-profile'] || undefined,
    lsm_mount_context: flags['lsm-mount-context'] || undefined,
    ext_mnt: target.mounts.map(({ name, source }) => ({ key: name, val: source })),
    cg_root: Object.entries(target.cgroups).map(([ctrl, path]) => ({ ctrl, path })),
    join_ns: joined,
    inherit_fd: [
      ...streams.flatMap((name, fd) => (name.startsWith('pipe:') ? [{ key: name, fd }] : [])),
      ...namespaces.map(({ type }, i) => ({ key: externalNames[type]?.key ?? type, fd: target.firstNamespace + i })),
    ],
  }
}
