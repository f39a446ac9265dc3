// How `delete --force` gets the lock of a container on which another command is working. The container's processes have
// been killed, so that command usually fails on its own. If it waits for a hook, the hook is killed, and the command
// fails and cleans up. As a last resort the command is killed: `delete --force` can remove what a runtime killed at any
// moment leaves.

import type { Log } from '../cli/log.ts'
import { attempt } from '../errors.ts'
import type { Native } from '../native.ts'
import { LOCK_TIMEOUT_MS, lockedError, lockWithin } from './lock.ts'
import { describeHolder, type Holder, lockHolder } from './lock-holder.ts'
import { SIGKILL } from './signals.ts'

/** Milliseconds to wait for the other command to end by itself. */
const HOLDER_EXIT_MS = 1000
/** Milliseconds to wait after each round of killing its hooks. */
const RETRY_MS = 100
/** Milliseconds after which the command itself is killed. */
const HOLDER_KILL_MS = 3000

/**
 * Returns a descriptor, or undefined if a program that is not a runtime holds the lock: that program does not change the
 * container.
 */
export function forceLock(native: Native, log: Log, directory: string): number | undefined {
  const start = native.uptime()
  for (let timeout = HOLDER_EXIT_MS; ; timeout = RETRY_MS) {
    const lock = lockWithin(native, directory, timeout)
    if (lock !== undefined) return lock
    const holder = lockHolder(native, directory)
    const waited = native.uptime() - start
    if (holder?.kind === 'other') {
      log.warn(`${directory}: ${describeHolder(holder)} holds the lock; it is not a runtime: not waiting for it`)
      return undefined
    }
    if (waited > LOCK_TIMEOUT_MS) throw lockedError(directory, describeHolder(holder), LOCK_TIMEOUT_MS)
    if (holder === undefined) continue
    endChildren(native, holder)
    if (waited > HOLDER_KILL_MS && holder.kind === 'runtime') native.signal(holder.pid, holder.startTime, SIGKILL)
  }
}

interface Relative {
  readonly pid: number
  readonly parent: number
  readonly session: number
  readonly startTime: string
}

/**
 * Kills the holder's init, and its hooks with their children. A process that has left a hook's session is a daemon, and stays.
 */
function endChildren(native: Native, holder: Holder): void {
  const all = allProcesses(native)
  const children = all.filter(({ pid, parent }) => parent === holder.pid && isOfLaunch(native, pid))
  const ends = new Set(children.map(({ pid }) => pid))
  for (const { pid, session, startTime } of all) {
    // A session id is not reused while the session has processes.
    if (ends.has(pid) || ends.has(session)) native.signal(pid, startTime, SIGKILL)
  }
}

/**
 * A hook gets the state on standard input, and init's executable is a memory file: no other child of the command has
 * either.
 */
function isOfLaunch(native: Native, pid: number): boolean {
  const link = (name: string) => attempt(() => native.readLink(`/proc/${pid}/${name}`))
  return link('fd/0') === '/memfd:state (deleted)' || link('exe') === '/memfd:runt-init (deleted)'
}

function allProcesses(native: Native): readonly Relative[] {
  return native.readDirectory('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // proc_pid_stat(5): the name in parentheses may contain any byte.
      const stat = native.readFile(`/proc/${name}/stat`)
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const [, parent, , session] = fields
      return [{ pid: Number(name), parent: Number(parent), session: Number(session), startTime: fields[19] ?? '' }]
    } catch {
      return []
    }
  })
}
