/**
 * A D-Bus connection (D-Bus Specification, "Authentication Protocol"): authenticates, calls methods, and sorts the
 * replies. Knows the objects of systemd's manager, but not units.
 */

import { RuntError } from '../errors.ts'
import { authenticationBytes, decodeMessage, encodeCall, type Message, type MethodCall } from './dbus.ts'
import type { DbusValue } from './dbus-values.ts'

/**
 * `direct`: /run/systemd/private (or systemd/private in XDG_RUNTIME_DIR), which only root and the manager's own user
 * may open: it needs no bus daemon, which could be slow. `bus`: a message bus, where a client says Hello and subscribes
 * to signals.
 */
export type Connection = 'direct' | 'bus'

export type Conversation<T> = Generator<Uint8Array, T, Uint8Array>

const NOTHING = new Uint8Array()
export const MANAGER = 'org.freedesktop.systemd1.Manager'

/** An authenticated connection. */
export interface Session {
  readonly connection: Connection
  serial: number
  received: Uint8Array
  /** Results of ended jobs, by the job's path: a job may end before the call that started it is answered. */
  readonly jobs: Map<string, string>
}

/** Authenticates, and on a bus subscribes to the end of jobs. */
export function* openSession(connection: Connection): Conversation<Session> {
  const session: Session = { connection, serial: 0, received: NOTHING, jobs: new Map() }
  let pending: Uint8Array = authenticationBytes()
  for (;;) {
    session.received = join(session.received, yield pending)
    pending = NOTHING
    // No message comes before the first call, so every line belongs to the authentication.
    const line = takeLine(session)
    if (line?.startsWith('OK')) break
    if (line?.startsWith('REJECTED')) throw new RuntError('host', `systemd: D-Bus authentication: ${line.trim()}`)
  }
  if (connection === 'bus') {
    answer(yield* callBus(session, 'Hello', '', []), 'org.freedesktop.DBus', 'greet')
    const rule = `type='signal',interface='${MANAGER}',member='JobRemoved'`
    answer(yield* callBus(session, 'AddMatch', 's', [rule]), 'org.freedesktop.DBus', 'listen to')
    // Without a subscriber systemd sends no signals.
    answer(yield* call(session, 'Subscribe', '', []), 'systemd', 'subscribe to')
  }
  return session
}

/** Waits until the job that a call returned has ended: `done`, `failed`, `timeout`, … */
export function* jobResult(session: Session, [job]: readonly DbusValue[]): Conversation<string> {
  if (typeof job !== 'string') throw new RangeError('the answer names no job')
  while (!session.jobs.has(job)) yield* receive(session, NOTHING)
  return session.jobs.get(job) as string
}

/** Calls a method of systemd's manager. */
export function call(
  session: Session,
  member: string,
  signature: string,
  body: readonly DbusValue[],
): Conversation<Message> {
  return send(session, MANAGER, member, signature, body)
}

/** Calls a method of systemd's main object. */
export function* send(
  session: Session,
  face: string,
  member: string,
  signature: string,
  body: readonly DbusValue[],
): Conversation<Message> {
  return yield* exchange(session, {
    destination: session.connection === 'bus' ? 'org.freedesktop.systemd1' : undefined,
    path: '/org/freedesktop/systemd1',
    interface: face,
    member,
    signature,
    body,
  })
}

function* callBus(
  session: Session,
  member: string,
  signature: string,
  body: readonly DbusValue[],
): Conversation<Message> {
  const name = 'org.freedesktop.DBus'
  return yield* exchange(session, {
    destination: name,
    path: '/org/freedesktop/DBus',
    interface: name,
    member,
    signature,
    body,
  })
}

function* exchange(session: Session, said: Omit<MethodCall, 'serial'>): Conversation<Message> {
  const serial = ++session.serial
  let pending = encodeCall({ ...said, serial })
  for (;;) {
    const message = yield* receive(session, pending)
    pending = NOTHING
    if (message.replyTo === serial) return message
  }
}

/** Sends `pending` and returns the next message; records the results of jobs. */
function* receive(session: Session, pending: Uint8Array): Conversation<Message> {
  let unsent = pending
  for (;;) {
    const found = unsent.length > 0 ? undefined : decodeMessage(session.received)
    if (found === undefined) {
      session.received = join(session.received, yield unsent)
      unsent = NOTHING
      continue
    }
    session.received = session.received.subarray(found.length)
    noteJob(session, found.message)
    return found.message
  }
}

/** JobRemoved(u id, o job, s unit, s result) */
function noteJob(session: Session, { type, member, body }: Message): void {
  const [, job, , result] = body
  if (type !== 'signal' || member !== 'JobRemoved') return
  if (typeof job === 'string' && typeof result === 'string') session.jobs.set(job, result)
}

/** The values of a reply; throws for an error. */
export function answer({ type, errorName, body }: Message, name: string, action: string): readonly DbusValue[] {
  if (type !== 'error') return body
  throw refusal(
    name,
    action,
    `${errorName ?? 'an error without a name'}: ${typeof body[0] === 'string' ? body[0] : ''}`,
  )
}

/** The error for a refusal of systemd, with the reason. */
export function refusal(name: string, action: string, reason: string): RuntError {
  return new RuntError('host', `systemd: ${action} ${name}: ${reason}`)
}

/** The last complete line of the authentication reply: after `DATA` it ends with `OK` or `REJECTED`. */
function takeLine(session: Session): string | undefined {
  const end = session.received.lastIndexOf(10)
  if (end < 0) return undefined
  const lines = String.fromCharCode(...session.received.subarray(0, end)).split('\n')
  session.received = session.received.subarray(end + 1)
  return lines.at(-1)
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
