/**
 * How `events` hears that a container ran out of memory (kernel Documentation/admin-guide/cgroup-v1/memory.rst, OOM Control;
 * cgroup-v2.rst, memory.events). Decides which file is watched and what its text means; watching is the caller's.
 */

import { parseCounters } from './stats/parse.ts'

/**
 * v1: an eventfd is registered by writing "<eventfd> <descriptor of file>" to `control`; it also fires when the cgroup is
 * removed. v2: inotify(7) IN_MODIFY on `file`, whose count tells which of its events it was.
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

/** How many processes were killed so far, by the text of `file`. */
export function oomKills(text: string): bigint {
  return parseCounters(text).get('oom_kill') ?? 0n
}

/** v2: no process is left, by the text of cgroup.events. Nothing more will come. */
export function isUnpopulated(text: string): boolean {
  return parseCounters(text).get('populated') === 0n
}
