// What `restore` asks of CRIU (runc-restore(8), criu(8) "restore"). CRIU runs in the container's cgroups already and sees the
// root file system as a mount of its own (plan/plan-criu.ts), so that it only has to fill both.

import type { FlagsOf } from '../cli/command-table.ts'
import type { Config } from '../config/config.ts'
import { sharedOptions } from './dump-options.ts'
import { type ExternalSources, externalMounts, externalNames, externalNamespaces } from './external.ts'
import type { CriuOptions } from './rpc.ts'

export interface RestoreTarget {
  readonly rootfs: string
  readonly sources: ExternalSources
  /** Where the container's processes go, by controller as in /proc/PID/cgroup, below the hierarchy's root. */
  readonly cgroups: { readonly [controller: string]: string }
  /** What the standard streams were at the checkpoint, as /proc/PID/fd tells it. */
  readonly streams: readonly string[]
  /** Number of the first of the descriptors that are handed to CRIU for external namespaces. */
  readonly firstNamespace: number
}

export function restoreOptions(config: Config, target: RestoreTarget, flags: FlagsOf<'restore'>): CriuOptions {
  const { streams } = target
  const namespaces = externalNamespaces(config)
  // CRIU itself opens the other namespaces given by path.
  const joined = config.linux.namespaces.flatMap(({ type, path }) =>
    path === undefined || type in externalNames ? [] : [{ ns: type === 'mount' ? 'mnt' : type, ns_file: path }],
  )
  return {
    ...sharedOptions(flags, config.annotations),
    log_file: 'restore.log',
    root: target.rootfs,
    evasive_devices: true,
    // The container's process becomes our child, not CRIU's.
    rst_sibling: true,
    lsm_profile: flags['lsm-profile'] || undefined,
    lsm_mount_context: flags['lsm-mount-context'] || undefined,
    ext_mnt: externalMounts(config, target.sources).map(({ destination, source }) => ({
      key: destination,
      val: source,
    })),
    cg_root: Object.entries(target.cgroups).map(([ctrl, path]) => ({ ctrl, path })),
    join_ns: joined,
    inherit_fd: [
      ...streams.flatMap((name, fd) => (name.startsWith('pipe:') ? [{ key: name, fd }] : [])),
      ...namespaces.map(({ type }, i) => ({ key: externalNames[type]?.key ?? type, fd: target.firstNamespace + i })),
    ],
  }
}
