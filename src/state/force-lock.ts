// How `delete --force` gets the lock of a container on which another command works. That command has usually lost its
// container by now and fails by itself. If it does not, it waits for a hook: the hook is killed, the command fails and cleans
// up. The last resort is to kill the command: a runtime killed at any moment leaves what `delete --force` can remove.

import type { Log } from '../cli/log.ts'
import type { Native } from '../native.ts'
import { LOCK_PATIENCE, lockedError, lockWithin } from './lock.ts'
import { attempt, describeHolder, type Holder, lockHolder } from './lock-holder.ts'
import { SIGKILL } from './signals.ts'

/** Milliseconds for the other command to end by itself. */
const GRACE = 1000
/** And after each hook of it that was killed. */
const PAUSE = 100
/** After so long the command itself is killed. */
const LAST_RESORT = 3000

/** A descriptor; undefined where the lock is held by a program that is no runtime, which works on nothing. */
export function forceLock(native: Native, log: Log, directory: string): number | undefined {
  const start = native.uptime()
  for (let patience = GRACE; ; patience = PAUSE) {
    const lock = lockWithin(native, directory, patience)
    if (lock !== undefined) return lock
    const holder = lockHolder(native, directory)
    const waited = native.uptime() - start
    if (holder?.kind === 'other') {
      log.warn(`${directory}: ${describeHolder(holder)} holds the lock; it is no runtime, and is not waited for`)
      return undefined
    }
    if (waited > LOCK_PATIENCE) throw lockedError(directory, describeHolder(holder), LOCK_PATIENCE)
    if (holder === undefined) continue
    endChildren(native, holder)
    if (waited > LAST_RESORT && holder.kind === 'runtime') native.signal(holder.pid, holder.startTime, SIGKILL)
  }
}

interface Relative {
  readonly pid: number
  readonly parent: number
  readonly session: number
  readonly startTime: string
}

/** Its init, and its hooks with what they have started. Who has left a hook's session is a daemon, and stays. */
function endChildren(native: Native, holder: Holder): void {
  const all = allProcesses(native)
  const children = all.filter(({ pid, parent }) => parent === holder.pid && isOfLaunch(native, pid))
  const ends = new Set(children.map(({ pid }) => pid))
  for (const { pid, session, startTime } of all) {
    // A session's number stays its own for as long as somebody is in it.
    if (ends.has(pid) || ends.has(session)) native.signal(pid, startTime, SIGKILL)
  }
}

/** A hook has the state as its input, and init's program is a file in memory: no other child of a program looks like them. */
function isOfLaunch(native: Native, pid: number): boolean {
  const link = (name: string) => attempt(() => native.readLink(`/proc/${pid}/${name}`))
  return link('fd/0') === '/memfd:state (deleted)' || link('exe') === '/memfd:runt-init (deleted)'
}

function allProcesses(native: Native): readonly Relative[] {
  return native.readDirectory('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // proc_pid_stat(5): the name in parentheses may hold anything.
      const stat = native.readFile(`/proc/${name}/stat`)
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const [, parent, , session] = fields
      return [{ pid: Number(name), parent: Number(parent), session: Number(session), startTime: fields[19] ?? '' }]
    } catch {
      return []
    }
  })
}
