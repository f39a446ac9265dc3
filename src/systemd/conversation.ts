/**
 * Requests to systemd (org.freedesktop.systemd1(5)), as generators over an open session: each yields bytes to send and
 * receives the bytes that came, in pieces of any size. state/systemd.ts connects the socket and runs them with a
 * deadline, so that a silent systemd cannot hang a command. A refusal of systemd is thrown as a RuntError.
 */

import { RuntError } from '../errors.ts'
import type { DbusValue } from './dbus-values.ts'
import type { Property } from './property.ts'
import { answer, type Conversation, call, jobResult, MANAGER, refusal, type Session, send } from './session.ts'

/** Creates and starts a transient unit, and waits until it runs. Resets a failed unit of that name, once. */
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

/** Stops a unit and waits for it; one that does not exist counts as stopped. Resets its failed state. */
export function* stopUnit(session: Session, name: string): Conversation<void> {
  const reply = yield* call(session, 'StopUnit', 'ss', [name, 'replace'])
  if (reply.errorName === 'org.freedesktop.systemd1.NoSuchUnit') return
  yield* jobResult(session, answer(reply, name, 'stop'))
  yield* resetFailed(session, name)
}

/** Changes properties of a running unit until the next boot. */
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

/** Moves a process into a unit's cgroup, or into `subgroup` below it ('' or '/name'). */
export function* attachProcess(session: Session, name: string, subgroup: string, pid: number): Conversation<void> {
  answer(yield* call(session, 'AttachProcessesToUnit', 'ssau', [name, subgroup, [pid]]), name, 'attach a process to')
}

/** Facts about the manager that are needed to plan a unit. */
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

/** Ignores an error reply: then there was nothing to reset. */
function* resetFailed(session: Session, name: string): Conversation<void> {
  yield* call(session, 'ResetFailedUnit', 's', [name])
}

function pairs(properties: readonly Property[]): DbusValue[] {
  return properties.map(({ name, signature, value }) => [name, { signature, value }])
}
