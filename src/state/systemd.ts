// Talks to systemd: finds its socket and runs a conversation (systemd/) with a deadline, so that a silent, stuck or
// stopped systemd or bus makes a command fail and never hang. The contents are in src/systemd/.

import type { SystemdFacts } from '../cgroup/unit/plan-unit.ts'
import type { GlobalFlags } from '../cli/command-table.ts'
import { errnoOf, errnoPhrase } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { busSockets, busTimeout } from '../systemd/bus-address.ts'
import { askManager, stopUnit } from '../systemd/conversation.ts'
import { type Conversation, openSession, type Session } from '../systemd/session.ts'
import type { ManagerKind } from '../systemd/unit.ts'
import type { UnitRecord } from './record.ts'
import { isRoot } from './state-root.ts'

/** The time that runc waits for a unit. */
const REPLY_TIMEOUT_MS = 30_000

/** An open connection. */
export interface Systemd {
  readonly kind: ManagerKind
  readonly socket: number
  readonly session: Session
  /** Milliseconds for each conversation. */
  readonly timeout: number
  /** False once a conversation was aborted: further ones would fail as well. */
  answers: boolean
}

/** --cgroup-manager=systemd is crun's form of --systemd-cgroup. */
export const isSystemd = (globals: Pick<GlobalFlags, 'cgroup-manager' | 'systemd-cgroup'>): boolean =>
  globals['cgroup-manager'] === 'systemd' || (globals['systemd-cgroup'] && globals['cgroup-manager'] !== 'disabled')

/** Which systemd manages the units of our containers: an unprivileged user's own manages the user's cgroups. */
export const managerOf = (native: Native): ManagerKind => (isRoot(native) ? 'system' : 'user')

/** Connects and authenticates. */
export function openSystemd(native: Native, kind: ManagerKind): Systemd {
  const timeout = busTimeout(native.env('SYSTEMD_BUS_TIMEOUT')) ?? REPLY_TIMEOUT_MS
  const failures: string[] = []
  for (const { path, connection } of busSockets(kind, native.env)) {
    let socket: number
    try {
      socket = native.connectSocket(path, timeout)
    } catch (error) {
      failures.push(`${path}: ${errnoPhrase(errnoOf(error) ?? 'EIO')}`)
      continue
    }
    try {
      const session = drive(native, { socket, timeout }, openSession(connection), `connect to ${path}`)
      return { kind, socket, session, timeout, answers: true }
    } catch (error) {
      native.close(socket)
      throw error
    }
  }
  throw new RuntError(
    'host',
    `--systemd-cgroup: connect to ${failures.join(', ')}${isBooted(native) ? '' : '; systemd does not run on this host: leave out --systemd-cgroup'}`,
  )
}

/** sd_booted(3). */
const isBooted = (native: Native): boolean => native.exists('/run/systemd/system')

/** Runs a conversation to its end; `what` describes the request in errors. */
export function converse<T>(
  native: Native,
  systemd: Systemd,
  talk: (session: Session) => Conversation<T>,
  what: string,
): T {
  // Reset at the end: whatever is thrown in between may leave half a message in the stream.
  systemd.answers = false
  const result = drive(native, systemd, talk(systemd.session), what)
  systemd.answers = true
  return result
}

export function systemdFacts(native: Native, systemd: Systemd): SystemdFacts {
  return { kind: systemd.kind, ...converse(native, systemd, askManager, 'ask for its version') }
}

/** Asks over a connection of its own. */
export function askSystemd(native: Native): SystemdFacts {
  return withSystemd(native, managerOf(native), (systemd) => systemdFacts(native, systemd))
}

/** Runs an action over a connection of its own. */
export function withSystemd<T>(native: Native, kind: ManagerKind, action: (systemd: Systemd) => T): T {
  const systemd = openSystemd(native, kind)
  try {
    return action(systemd)
  } finally {
    native.close(systemd.socket)
  }
}

/** After the end of a container: its scope ends with its last process, but systemd may keep it as failed. */
export function removeUnit(native: Native, { name, kind }: UnitRecord): void {
  withSystemd(native, kind, (systemd) =>
    converse(native, systemd, (session) => stopUnit(session, name), `stop ${name}`),
  )
}

function drive<T>(
  native: Native,
  { socket, timeout }: Pick<Systemd, 'socket' | 'timeout'>,
  talk: Conversation<T>,
  what: string,
): T {
  const end = native.uptime() + timeout
  try {
    let step = talk.next()
    while (!step.done) {
      step = talk.next(native.exchangeWithin(socket, step.value, Math.max(end - native.uptime(), 0)))
    }
    return step.value
  } catch (error) {
    const reason = brokenOff(error, timeout)
    if (reason === undefined) throw error
    throw new RuntError('host', `systemd: ${what}: ${reason}`, { cause: error })
  }
}

/** undefined for errors from systemd itself, which are complete, and for our own bugs. */
function brokenOff(error: unknown, timeout: number): string | undefined {
  // From the decoder: the bytes were not a D-Bus message.
  if (error instanceof RangeError) return error.message
  const errno = errnoOf(error)
  if (errno === 'ETIMEDOUT') return `no answer within ${timeout / 1000} s`
  if (errno === 'ECONNRESET') return 'the connection was closed'
  return errno && errnoPhrase(errno)
}
