/**
 * What is said to systemd and in which order (org.freedesktop.systemd1(5); D-Bus Specification, "Authentication Protocol"),
 * as generators: each yields bytes to send and is given the bytes that came, in pieces of any size. Decides neither how the
 * socket is had nor how long to wait: a caller with a deadline drives them, so a silent systemd cannot hang a command.
 *
 *   const talk = startUnit('direct', unit.name, properties)
 *   for (let step = talk.next(); !step.done; step = talk.next(received)) { send(step.value); received = receive(deadline) }
 *
 * `receive` gives at least one byte, or throws. What systemd refuses is thrown as a RuntError.
 */

import { RuntError } from '../../errors.ts'
import { authenticationBytes, decodeMessage, encodeCall, type Message } from './dbus.ts'
import type { DbusValue } from './dbus-values.ts'
import type { Property } from './property.ts'

/**
 * `direct`: /run/systemd/private (or systemd/private in XDG_RUNTIME_DIR), which only root and the manager's own user may
 * open: no bus daemon is needed, nor can one be slow. `bus`: a message bus, on which one says hello and asks for signals.
 */
export type Connection = 'direct' | 'bus'

export type Conversation<T> = Generator<Uint8Array, T, Uint8Array>

const NOTHING = new Uint8Array()
const MANAGER = 'org.freedesktop.systemd1.Manager'

/** An authenticated connection in the middle of a conversation. */
interface Session {
  readonly connection: Connection
  serial: number
  received: Uint8Array
  /** Results of jobs that ended, by the job's path: a job may be done before the call that started it is answered. */
  readonly jobs: Map<string, string>
}

/** Make and start a transient unit, and wait until it runs. A leftover failed unit of the name is reset, once. */
export function* startUnit(connection: Connection, name: string, properties: readonly Property[]): Conversation<void> {
  const session = yield* open(connection)
  const start = () => call(session, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'replace', pairs(properties), []])
  let reply = yield* start()
  if (reply.errorName === 'org.freedesktop.systemd1.UnitExists') {
    yield* resetFailed(session, name)
    reply = yield* start()
  }
  const result = yield* jobResult(session, answer(reply, name, 'start'))
  if (result === 'done') return
  yield* resetFailed(session, name)
  throw refusal(name, 'start', `the job ended with "${result}"`)
}

/** Stop a unit and wait for it; one that does not exist is stopped. Its failure, if it had any, is forgotten. */
export function* stopUnit(connection: Connection, name: string): Conversation<void> {
  const session = yield* open(connection)
  const reply = yield* call(session, 'StopUnit', 'ss', [name, 'replace'])
  if (reply.errorName !== 'org.freedesktop.systemd1.NoSuchUnit') {
    yield* jobResult(session, answer(reply, name, 'stop'))
  }
  yield* resetFailed(session, name)
}

/** Change properties of a running unit until the next boot. */
export function* setUnitProperties(
  connection: Connection,
  name: string,
  properties: readonly Property[],
): Conversation<void> {
  const session = yield* open(connection)
  answer(
    yield* call(session, 'SetUnitProperties', 'sba(sv)', [name, true, pairs(properties)]),
    name,
    'set properties of',
  )
}

/** Move a process into a unit's cgroup, or into `subgroup` below it ('' or '/name'). */
export function* attachProcess(
  connection: Connection,
  name: string,
  subgroup: string,
  pid: number,
): Conversation<void> {
  const session = yield* open(connection)
  answer(yield* call(session, 'AttachProcessesToUnit', 'ssau', [name, subgroup, [pid]]), name, 'attach a process to')
}

/** What must be known of the manager before a unit is planned. */
export interface ManagerFacts {
  readonly version: number
  /** Its own cgroup: '' for the system's. */
  readonly controlGroup: string
}

export function* askManager(connection: Connection): Conversation<ManagerFacts> {
  const session = yield* open(connection)
  const version = yield* property(session, 'Version')
  const controlGroup = yield* property(session, 'ControlGroup')
  return { version: systemdVersion(version), controlGroup }
}

/** `252.39-1~deb12u1`, `v245.4-1.fc32`: the number. */
export function systemdVersion(text: string): number {
  const number = Number.parseInt(text.replace(/^["v]+/, ''), 10)
  if (Number.isNaN(number)) throw new RuntError('host', `systemd: cannot read its version ${JSON.stringify(text)}`)
  return number
}

function* property(session: Session, name: string): Conversation<string> {
  const reply = yield* send(session, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [MANAGER, name])
  const [value] = answer(reply, name, 'read the property')
  const inner = value !== undefined && typeof value === 'object' && 'value' in value ? value.value : undefined
  return typeof inner === 'string' ? inner : ''
}

function* open(connection: Connection): Conversation<Session> {
  const session: Session = { connection, serial: 0, received: NOTHING, jobs: new Map() }
  let pending: Uint8Array = authenticationBytes()
  for (;;) {
    session.received = join(session.received, yield pending)
    pending = NOTHING
    // Nothing else comes before the first call, so every line is of the authentication.
    const line = takeLine(session)
    if (line?.startsWith('OK')) break
    if (line?.startsWith('REJECTED')) throw new RuntError('host', `systemd: D-Bus authentication: ${line.trim()}`)
  }
  if (connection === 'bus') {
    answer(yield* callBus(session, 'Hello', '', []), 'org.freedesktop.DBus', 'greet')
    const rule = `type='signal',interface='${MANAGER}',member='JobRemoved'`
    answer(yield* callBus(session, 'AddMatch', 's', [rule]), 'org.freedesktop.DBus', 'listen to')
    // Without a subscriber systemd sends no signals at all.
    answer(yield* call(session, 'Subscribe', '', []), 'systemd', 'subscribe to')
  }
  return session
}

/** An answer that is an error does not matter: there was nothing to reset. */
function* resetFailed(session: Session, name: string): Conversation<void> {
  yield* call(session, 'ResetFailedUnit', 's', [name])
}

function* jobResult(session: Session, [job]: readonly DbusValue[]): Conversation<string> {
  while (!session.jobs.has(job as string)) yield* receive(session, NOTHING)
  return session.jobs.get(job as string) as string
}

function call(session: Session, member: string, signature: string, body: readonly DbusValue[]): Conversation<Message> {
  return send(session, MANAGER, member, signature, body)
}

function* send(
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

function* exchange(session: Session, said: Omit<Parameters<typeof encodeCall>[0], 'serial'>): Conversation<Message> {
  const serial = ++session.serial
  let pending = encodeCall({ ...said, serial })
  for (;;) {
    const message = yield* receive(session, pending)
    pending = NOTHING
    if (message.replyTo === serial) return message
  }
}

/** The next message, after sending `pending`; results of jobs are noted on the way. */
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
  if (type === 'signal' && member === 'JobRemoved') session.jobs.set(job as string, result as string)
}

function answer({ type, errorName, body }: Message, name: string, action: string): readonly DbusValue[] {
  if (type !== 'error') return body
  throw refusal(name, action, `${errorName}: ${typeof body[0] === 'string' ? body[0] : ''}`)
}

function refusal(name: string, action: string, reason: string): RuntError {
  return new RuntError('host', `systemd: ${action} ${name}: ${reason}`)
}

function pairs(properties: readonly Property[]): DbusValue[] {
  return properties.map(({ name, signature, value }) => [name, { signature, value }])
}

/** The last whole line of the authentication's answer: after `DATA` it ends with `OK` or `REJECTED`. */
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
