// The options of CRIU for `checkpoint` (runc-checkpoint(8), criu(8) "dump"), from the flags of the command and the
// container.

import type { FlagsOf } from '../cli/command-table.ts'
import type { Config } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { CLONE_NEWNET } from '../steps/constants.ts'
import { externalNames } from './external.ts'
import type { NamedMount } from './name-mounts.ts'
import { type CriuOptions, cgroupModes } from './rpc.ts'

export type CheckpointFlags = FlagsOf<'checkpoint'>
/** Flags of both commands. */
type SharedFlags = Pick<
  FlagsOf<'restore'>,
  | 'ext-unix-sk'
  | 'shell-job'
  | 'tcp-established'
  | 'file-locks'
  | 'manage-cgroups-mode'
  | 'empty-ns'
  | 'auto-dedup'
  | 'lazy-pages'
>

export interface DumpTarget {
  readonly pid: number
  readonly rootfs: string
  /** Its mounts whose sources are on the host. */
  readonly mounts: readonly NamedMount[]
  /** The v1 freezer or v2 cgroup; undefined: CRIU stops the processes one by one. */
  readonly freezer: string | undefined
  /** Inode numbers of namespaces that the container shares with others, by type. */
  readonly namespaces: { readonly [type: string]: string }
}

const LOG_LEVEL = 4

/**
 * Options that `checkpoint` and `restore` share. CRIU restores an empty network namespace: the caller creates its
 * devices.
 */
export function sharedOptions(flags: SharedFlags, annotations: Config['annotations']): CriuOptions {
  const mode = cgroupModes[flags['manage-cgroups-mode'] ?? '']
  if (mode === undefined)
    throw new RuntError('usage', '--manage-cgroups-mode: must be soft, full, strict or ignore (default: soft)')
  for (const name of flags['empty-ns'])
    if (name !== 'network') throw new RuntError('usage', `--empty-ns ${name}: only "network" can be left empty`)
  const config = annotations['org.criu.config']
  return {
    log_level: LOG_LEVEL,
    notify_scripts: true,
    orphan_pts_master: true,
    manage_cgroups: true,
    manage_cgroups_mode: mode,
    empty_ns: CLONE_NEWNET,
    ext_unix_sk: flags['ext-unix-sk'],
    shell_job: flags['shell-job'],
    tcp_established: flags['tcp-established'],
    file_locks: flags['file-locks'],
    auto_dedup: flags['auto-dedup'],
    lazy_pages: flags['lazy-pages'],
    // An empty annotation means: no file.
    config_file: config === undefined ? '/etc/criu/runc.conf' : config || undefined,
  }
}

/** The options of the request, except for the directories, which are descriptors. */
export function dumpOptions(config: Config, target: DumpTarget, flags: CheckpointFlags): CriuOptions {
  const parent = flags['parent-path']
  return {
    ...sharedOptions(flags, config.annotations),
    log_file: 'dump.log',
    pid: target.pid,
    root: target.rootfs,
    leave_running: flags['leave-running'] || flags['pre-dump'],
    link_remap: flags['link-remap'],
    tcp_skip_in_flight: flags['tcp-skip-in-flight'],
    freeze_cgroup: target.freezer,
    ps: pageServer(flags['page-server']),
    ...(parent && { parent_img: parent }),
    track_mem: flags['pre-dump'] || Boolean(parent) || undefined,
    external: Object.entries(target.namespaces).map(([type, inode]) => {
      const name = externalNames[type]
      return `${name?.ns}[${inode}]:${name?.key}`
    }),
    ext_mnt: flags['pre-dump'] ? undefined : target.mounts.map(({ point, name }) => ({ key: point, val: name })),
  }
}

function pageServer(value: string | undefined): CriuOptions['ps'] {
  if (value === undefined || value === '') return undefined
  const colon = value.lastIndexOf(':')
  const port = Number(value.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65535)
    throw new RuntError('usage', `--page-server ${value}: expected ADDRESS:PORT`)
  return { address: value.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port }
}
