/**
 * How `events` detects that a container ran out of memory (kernel Documentation/admin-guide/cgroup-v1/memory.rst, OOM
 * Control; cgroup-v2.rst, memory.events). Says which file to watch and interprets its text; the caller watches.
 */

import { parseCounters } from './stats/parse.ts'

/**
 * v1: an eventfd is registered by writing "<eventfd> <descriptor of file>" to `control`; it also fires when the cgroup
 * is removed. v2: inotify(7) IN_MODIFY on `file`; the count in it shows whether the event was an OOM.
 */
export type OomWatch =
  | { readonly version: 1; readonly file: string; readonly control: string }
  | { readonly version: 2; readonly file: string }

/** What to watch for a container with these directories; undefined without a memory cgroup. */
export function oomWatch(paths: { readonly [controller: string]: string }): OomWatch | undefined {
  const { memory, '': unified } = paths
  if (memory !== undefined) {
    return { version: 1, file: `${memory}/memory.oom_control`, control: `${memory}/cgroup.event_control` }
  }
  return unified === undefined ? undefined : { version: 2, file: `${unified}/memory.events` }
}

/** The number of processes killed so far, from the text of `file`. */
export function oomKills(text: string): bigint {
  return parseCounters(text).get('oom_kill') ?? 0n
}

/** v2: whether no process is left, from the text of cgroup.events. Then no event will follow. */
export function isUnpopulated(text: string): boolean {
  return parseCounters(text).get('populated') === 0n
}
