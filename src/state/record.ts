// The record of a container, and the files of its state directory:
//
//   cgroup        a symbolic link to one of the container's cgroups: created first, removed last, and never half
// written, so that                 `delete --force` finds the processes when every other file is gone   launch.json
// the record without a pid, written before the launch: for `delete --force` if state.json is missing, truncated,
// or was never written because the runtime was killed
//   state.json    the record with pid and start time, written atomically when init is ready
//   config.json   a copy of the bundle's: later commands must not see edits (runtime.md, "create")
//   start.fifo, report.fifo   see native.start
//   notify/       with NOTIFY_SOCKET: the directory for the container's own socket, mounted there
// (launch/notify-socket.ts)
//
// Small and flat, because `state` and `kill` read it each time; integers here fit a double.

import type { DeniedCall } from 'seccomp-bpf-js'
import type { Hook, NamespaceType, StringMap } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import type { ManagerKind } from '../systemd/unit.ts'
import { isRecord } from './record-form.ts'

export const CGROUP_LINK = 'cgroup'
export const LAUNCH_FILE = 'launch.json'
export const STATE_FILE = 'state.json'
export const CONFIG_FILE = 'config.json'

/** The part of a step that an error message needs. */
export interface StartStep {
  readonly op: string
  readonly from: string
}

/** The scope that systemd created for a container, and which systemd. */
export interface UnitRecord {
  readonly name: string
  readonly kind: ManagerKind
}

export interface ContainerRecord {
  readonly ociVersion: string
  readonly id: string
  /** 0 until init is ready. With `startTime` (proc_pid_stat(5)) it identifies a process uniquely. */
  readonly pid: number
  readonly startTime: string
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly owner: string
  readonly annotations: StringMap
  /** The container's directory by controller as in /proc/PID/cgroup ('' is v2). */
  readonly cgroups: { readonly [controller: string]: string }
  /** With --systemd-cgroup. */
  readonly unit?: UnitRecord
  /** linux.resources after `update`, as exact JSON text because of 64-bit integers; absent: those of config.json. */
  readonly resources?: string
  /**
   * linux.intelRdt: files to which pids of further processes are written, and directories that are removed with the
   * container.
   */
  readonly rdt?: { readonly tasks: readonly string[]; readonly directories: readonly string[] }
  /** Without a mount namespace: the ids of mounts below the root file system that existed before (host-mounts.ts). */
  readonly hostMounts?: readonly number[]
  /** `shared`: killing init does not kill the others. */
  readonly pidNamespace: 'own' | 'shared'
  /** Its processes keep their callers' session keyrings (--no-new-keyring); absent: they share one of the container's. */
  readonly keyring?: 'keep'
  /** Of a restored container: namespaces of its own that are not in the config. CRIU creates a time namespace. */
  readonly namespaces?: readonly NamespaceType[]
  /** --rootless, unless it was `auto`: for `exec`. */
  readonly rootless?: 'true' | 'false'
  /** It has a socket directory for sd_notify(3). */
  readonly notify?: true
  readonly hooks: { readonly poststart: readonly Hook[]; readonly poststop: readonly Hook[] }
  /** The steps left for init at start, for error messages: the index of the first step, and the steps. */
  readonly startSteps: { readonly first: number; readonly steps: readonly StartStep[] }
  /** Calls that init needs and linux.seccomp denies: `start` will fail. */
  readonly denied?: readonly DeniedCall[]
}

export function encodeRecord(record: ContainerRecord): string {
  return JSON.stringify(record)
}

/** Throws a SyntaxError, or an Error for JSON that is not a record. */
export function parseRecord(text: string): ContainerRecord {
  const record = JSON.parse(text) as unknown
  if (!isRecord(record)) throw new Error('not the state of a container')
  return record
}

/**
 * The directory that represents all cgroups: every process is in each of them; these are the least likely to be
 * missing.
 */
export function mainCgroup({ cgroups }: ContainerRecord): string | undefined {
  return cgroups.devices ?? cgroups.pids ?? cgroups[''] ?? Object.values(cgroups)[0]
}

const NO_CGROUPS =
  'the container has no cgroups: it was created with --cgroup-manager=disabled, or by a user who may make none'

/** The same, but throws if there is none. `properties`: names of the limits that need it. */
export function requireCgroups(record: ContainerRecord, properties: () => readonly string[] = () => []): string {
  const main = mainCgroup(record)
  if (main !== undefined) return main
  const names = properties()
  throw new RuntError('state', names.length === 0 ? NO_CGROUPS : `${names.join(', ')}: ${NO_CGROUPS}`)
}

/** Each directory once: co-mounted controllers share one. The unit's cgroup includes its subgroup. */
export function cgroupDirectories({ cgroups, unit }: ContainerRecord): readonly string[] {
  const directories = Object.values(cgroups)
  return [...new Set(unit === undefined ? directories : directories.map((path) => unitDirectory(path, unit.name)))]
}

function unitDirectory(path: string, name: string): string {
  const at = path.indexOf(`/${name}/`)
  return at < 0 ? path : path.slice(0, at + 1 + name.length)
}
