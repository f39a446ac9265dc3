// Talking to systemd: finds its socket and drives a conversation (cgroup/systemd/) with a deadline, so that a systemd or a bus
// that is silent, stuck or gone ends a command with an error and never hangs it. What is said is decided elsewhere.

import { busSockets, busTimeout } from '../cgroup/systemd/bus-address.ts'
import { askManager, stopUnit } from '../cgroup/systemd/conversation.ts'
import type { SystemdFacts } from '../cgroup/systemd/plan-unit.ts'
import { type Conversation, openSession, type Session } from '../cgroup/systemd/session.ts'
import type { ManagerKind } from '../cgroup/systemd/unit.ts'
import { errnoOf, errnoPhrase } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { UnitRecord } from './record.ts'
import { isRoot } from './state-root.ts'

/** As long as runc waits for a unit. */
const PATIENCE = 30_000

/** An open connection. */
export interface Systemd {
  readonly kind: ManagerKind
  readonly socket: number
  readonly session: Session
  /** Milliseconds for each conversation. */
  readonly patience: number
  /** False once a conversation was broken off: there is no use in a further one. */
  answers: boolean
}

/** Whose systemd makes the units of our containers: an ordinary user's own has the user's cgroups. */
export const managerOf = (native: Native): ManagerKind => (isRoot(native) ? 'system' : 'user')

/** Connects and authenticates. */
export function openSystemd(native: Native, kind: ManagerKind): Systemd {
  const patience = busTimeout(native.env('SYSTEMD_BUS_TIMEOUT')) ?? PATIENCE
  const failures: string[] = []
  for (const { path, connection } of busSockets(kind, native.env)) {
    let socket: number
    try {
      socket = native.connectSocket(path, patience)
    } catch (error) {
      failures.push(`${path}: ${errnoPhrase(errnoOf(error) ?? 'EIO')}`)
      continue
    }
    try {
      const session = drive(native, { socket, patience }, openSession(connection), `connect to ${path}`)
      return { kind, socket, session, patience, answers: true }
    } catch (error) {
      native.close(socket)
      throw error
    }
  }
  throw new RuntError('host', `systemd: connect to ${failures.join(', ')}; does systemd run here?`)
}

/** Has a conversation to its end; `what` says in an error what was wanted. */
export function converse<T>(
  native: Native,
  systemd: Systemd,
  talk: (session: Session) => Conversation<T>,
  what: string,
): T {
  // Until the end is seen: whatever is thrown in between may leave half a message behind.
  systemd.answers = false
  const result = drive(native, systemd, talk(systemd.session), what)
  systemd.answers = true
  return result
}

export function systemdFacts(native: Native, systemd: Systemd): SystemdFacts {
  return { kind: systemd.kind, ...converse(native, systemd, askManager, 'ask for its version') }
}

/** The same, of a connection for this only. */
export function askSystemd(native: Native): SystemdFacts {
  return withSystemd(native, managerOf(native), (systemd) => systemdFacts(native, systemd))
}

/** Does something over a connection of its own. */
export function withSystemd<T>(native: Native, kind: ManagerKind, action: (systemd: Systemd) => T): T {
  const systemd = openSystemd(native, kind)
  try {
    return action(systemd)
  } finally {
    native.close(systemd.socket)
  }
}

/** After the end of a container: its scope has ended with its last process, but may be remembered as one that failed. */
export function removeUnit(native: Native, { name, kind }: UnitRecord): void {
  withSystemd(native, kind, (systemd) =>
    converse(native, systemd, (session) => stopUnit(session, name), `stop ${name}`),
  )
}

function drive<T>(
  native: Native,
  { socket, patience }: Pick<Systemd, 'socket' | 'patience'>,
  talk: Conversation<T>,
  what: string,
): T {
  const end = native.uptime() + patience
  try {
    let step = talk.next()
    while (!step.done) {
      step = talk.next(native.exchangeWithin(socket, step.value, Math.max(end - native.uptime(), 0)))
    }
    return step.value
  } catch (error) {
    const reason = brokenOff(error, patience)
    if (reason === undefined) throw error
    throw new RuntError('host', `systemd: ${what}: ${reason}`, { cause: error })
  }
}

/** Undefined for what systemd refused, which says so itself, and for faults of ours. */
function brokenOff(error: unknown, patience: number): string | undefined {
  // The decoder's: what came is no D-Bus message.
  if (error instanceof RangeError) return error.message
  const errno = errnoOf(error)
  if (errno === 'ETIMEDOUT') return `no answer within ${patience / 1000} s`
  if (errno === 'ECONNRESET') return 'the connection was closed'
  return errno && errnoPhrase(errno)
}
