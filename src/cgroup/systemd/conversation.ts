/**
 * What is said to systemd and in which order (org.freedesktop.systemd1(5)), as generators over an open session: each yields
 * bytes to send and is given the bytes that came, in pieces of any size. Decides neither how the socket is had nor how long
 * to wait: state/systemd.ts drives them with a deadline, so a silent systemd cannot hang a command. What systemd refuses
 * is thrown as a RuntError.
 */

import { RuntError } from '../../errors.ts'
import type { DbusValue } from './dbus-values.ts'
import type { Property } from './property.ts'
import { answer, type Conversation, call, jobResult, MANAGER, refusal, type Session, send } from './session.ts'

/** Make and start a transient unit, and wait until it runs. A leftover failed unit of the name is reset, once. */
export function* startUnit(session: Session, name: string, properties: readonly Property[]): Conversation<void> {
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
export function* stopUnit(session: Session, name: string): Conversation<void> {
  const reply = yield* call(session, 'StopUnit', 'ss', [name, 'replace'])
  if (reply.errorName === 'org.freedesktop.systemd1.NoSuchUnit') return
  yield* jobResult(session, answer(reply, name, 'stop'))
  yield* resetFailed(session, name)
}

/** Change properties of a running unit until the next boot. */
export function* setUnitProperties(
  session: Session,
  name: string,
  properties: readonly Property[],
): Conversation<void> {
  answer(
    yield* call(session, 'SetUnitProperties', 'sba(sv)', [name, true, pairs(properties)]),
    name,
    'set properties of',
  )
}

/** Move a process into a unit's cgroup, or into `subgroup` below it ('' or '/name'). */
export function* attachProcess(session: Session, name: string, subgroup: string, pid: number): Conversation<void> {
  answer(yield* call(session, 'AttachProcessesToUnit', 'ssau', [name, subgroup, [pid]]), name, 'attach a process to')
}

/** What must be known of the manager before a unit is planned. */
export interface ManagerFacts {
  readonly version: number
  /** Its own cgroup: '' for the system's. */
  readonly controlGroup: string
}

export function* askManager(session: Session): Conversation<ManagerFacts> {
  const version = yield* property(session, 'Version')
  const controlGroup = yield* property(session, 'ControlGroup')
  return { version: systemdVersion(version), controlGroup }
}

/** `252.39-1~deb12u1`, `v245.4-1.fc32`: the number. */
export function systemdVersion(text: string): number {
  const number = Number.parseInt(text.replace(/^["v]+/, ''), 10)
  if (!Number.isSafeInteger(number))
    throw new RuntError('host', `systemd: cannot read its version ${JSON.stringify(text)}`)
  return number
}

function* property(session: Session, name: string): Conversation<string> {
  const reply = yield* send(session, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [MANAGER, name])
  const [value] = answer(reply, name, 'read the property')
  const inner = value !== undefined && typeof value === 'object' && 'value' in value ? value.value : undefined
  return typeof inner === 'string' ? inner : ''
}

/** An answer that is an error does not matter: there was nothing to reset. */
function* resetFailed(session: Session, name: string): Conversation<void> {
  yield* call(session, 'ResetFailedUnit', 's', [name])
}

function pairs(properties: readonly Property[]): DbusValue[] {
  return properties.map(({ name, signature, value }) => [name, { signature, value }])
}
