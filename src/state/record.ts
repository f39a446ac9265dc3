// What is kept of a container, and in which files of its state directory:
//
//   cgroup        a symbolic link to one of the container's cgroups: made first, removed last, and never half written, it is
//                 how `delete --force` finds the processes when every other file is gone
//   launch.json   the record without a pid, written before anything is launched: what `delete --force` needs when the rest is
//                 missing, cut off, or was never written because the runtime was killed
//   state.json    the record with pid and start time, written atomically when init is ready
//   config.json   a copy of the bundle's: later commands must not see edits (runtime.md, "create")
//   start.fifo, report.fifo   see native.start
//   notify/       with NOTIFY_SOCKET: the directory that the container sees, for its own socket (commands/notify-socket.ts)
//
// Small and flat, because `state` and `kill` read it each time; integers here fit a double.

import type { ManagerKind } from '../cgroup/systemd/unit.ts'
import type { Hook, StringMap } from '../config/config.ts'
import { isRecord } from './record-form.ts'

export const CGROUP_LINK = 'cgroup'
export const LAUNCH_FILE = 'launch.json'
export const STATE_FILE = 'state.json'
export const CONFIG_FILE = 'config.json'

/** What a failure's sentence needs of a step. */
export interface StartStep {
  readonly op: string
  readonly from: string
}

/** The scope that systemd made for a container, and whose systemd. */
export interface UnitRecord {
  readonly name: string
  readonly kind: ManagerKind
}

export interface ContainerRecord {
  readonly ociVersion: string
  readonly id: string
  /** 0 until init is ready. With `startTime` (proc_pid_stat(5)) it names a process for ever. */
  readonly pid: number
  readonly startTime: string
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly owner: string
  readonly annotations: StringMap
  /** The container's directory by controller as in /proc/PID/cgroup ('' is the v2 tree). */
  readonly cgroups: { readonly [controller: string]: string }
  /** With --systemd-cgroup. */
  readonly unit?: UnitRecord
  /** linux.resources as `update` has left them, as exact JSON text for their 64-bit integers; absent: those of config.json. */
  readonly resources?: string
  /** linux.intelRdt: files that take the pids of further processes, and directories that go with the container. */
  readonly rdt?: { readonly tasks: readonly string[]; readonly directories: readonly string[] }
  /** Without a mount namespace: the ids of mounts below the root file system that were there before (host-mounts.ts). */
  readonly hostMounts?: readonly number[]
  /** `shared`: killing init does not kill the others. */
  readonly pidNamespace: 'own' | 'shared'
  /** Its processes keep their callers' session keyrings (--no-new-keyring); absent: they share one of the container's. */
  readonly keyring?: 'keep'
  /** It has a socket directory for sd_notify(3). */
  readonly notify?: true
  readonly hooks: { readonly poststart: readonly Hook[]; readonly poststop: readonly Hook[] }
  /** What init still has to do at start, for the sentence of a failure: the index of the first step, and the steps. */
  readonly startSteps: { readonly first: number; readonly steps: readonly StartStep[] }
}

export function encodeRecord(record: ContainerRecord): string {
  return JSON.stringify(record)
}

/** Throws a SyntaxError, or an Error for JSON that is no record. */
export function parseRecord(text: string): ContainerRecord {
  const record = JSON.parse(text) as unknown
  if (!isRecord(record)) throw new Error('not the state of a container')
  return record
}

/** The cgroup that stands for all: every process is in each of the directories; these are the least likely to be left out. */
export function mainCgroup({ cgroups }: ContainerRecord): string | undefined {
  return cgroups.devices ?? cgroups.pids ?? cgroups[''] ?? Object.values(cgroups)[0]
}

/** Each directory once: controllers that are mounted together share one. A subgroup of a unit goes with the unit's cgroup. */
export function cgroupDirectories({ cgroups, unit }: ContainerRecord): readonly string[] {
  const directories = Object.values(cgroups)
  return [...new Set(unit === undefined ? directories : directories.map((path) => unitDirectory(path, unit.name)))]
}

function unitDirectory(path: string, name: string): string {
  const at = path.indexOf(`/${name}/`)
  return at < 0 ? path : path.slice(0, at + 1 + name.length)
}
