import t from 'tap'
import { encodeUtf8 } from '../utf8.ts'
import { askManager, setUnitProperties, startUnit, stopUnit, systemdVersion } from './conversation.ts'
import { decodeMessage } from './dbus.ts'
import type { DbusValue } from './dbus-values.ts'
import { type Connection, type Conversation, openSession, type Session } from './session.ts'
import { failure, removed, reply } from './test-messages.ts'

const OK = encodeUtf8('DATA\r\nOK 0123456789abcdef\r\n')
const JOB = '/org/freedesktop/systemd1/job/5'

t.test('a unit is started: answer, then the job', (t) => {
  const { calls, result } = talk(
    'direct',
    (session) => startUnit(session, 'x.scope', [{ name: 'Slice', signature: 's', value: 'a.slice' }]),
    (call) =>
      call.member === 'StartTransientUnit'
        ? [reply(call.serial, 'o', [JOB]), removed('/other', 'failed'), removed(JOB, 'done')]
        : [],
  )
  t.equal(result, undefined)
  t.same(calls, [['StartTransientUnit', ['x.scope', 'replace', [['Slice', { signature: 's', value: 'a.slice' }]], []]]])
  t.end()
})

t.test('a job that is done before its call is answered, in one piece with everything else', (t) => {
  talk(
    'direct',
    (session) => startUnit(session, 'x.scope', []),
    (call) => [join([removed(JOB, 'done'), reply(call.serial, 'o', [JOB])])],
  )
  t.pass('does not wait for what has been said')
  t.end()
})

t.test('bytes one at a time', (t) => {
  talk(
    'direct',
    (session) => startUnit(session, 'x.scope', []),
    (call) => [...join([reply(call.serial, 'o', [JOB]), removed(JOB, 'done')])].map((byte) => Uint8Array.from([byte])),
  )
  t.pass('pieces may have any size')
  t.end()
})

t.test('a leftover unit of the name is reset, once', (t) => {
  let starts = 0
  const { calls } = talk(
    'direct',
    (session) => startUnit(session, 'x.scope', []),
    (call) => {
      if (call.member !== 'StartTransientUnit') return [reply(call.serial, '', [])]
      starts++
      return starts === 1
        ? [failure(call.serial, 'org.freedesktop.systemd1.UnitExists', 'Unit x.scope already exists.')]
        : [reply(call.serial, 'o', [JOB]), removed(JOB, 'done')]
    },
  )
  t.same(
    calls.map(([member]) => member),
    ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit'],
  )
  const refuse = (call: Call) =>
    call.member === 'StartTransientUnit'
      ? [failure(call.serial, 'org.freedesktop.systemd1.UnitExists', 'It is there.')]
      : [reply(call.serial, '', [])]
  t.throws(() => talk('direct', (session) => startUnit(session, 'x.scope', []), refuse), {
    code: 'host',
    message: 'systemd: start x.scope: org.freedesktop.systemd1.UnitExists: It is there.',
  })
  t.end()
})

t.test('a job that fails', (t) => {
  const answer = (call: Call) =>
    call.member === 'StartTransientUnit'
      ? [reply(call.serial, 'o', [JOB]), removed(JOB, 'failed')]
      : [reply(call.serial, '', [])]
  t.throws(() => talk('direct', (session) => startUnit(session, 'x.scope', []), answer), {
    message: 'systemd: start x.scope: the job ended with "failed"',
  })
  t.end()
})

t.test('over a bus: hello, a match, a subscription, all before the call', (t) => {
  const { calls } = talk(
    'bus',
    (session) => startUnit(session, 'x.scope', []),
    (call) =>
      call.member === 'StartTransientUnit'
        ? [reply(call.serial, 'o', [JOB]), removed(JOB, 'done')]
        : [reply(call.serial, '', [])],
  )
  t.same(
    calls.map(([member]) => member),
    ['Hello', 'AddMatch', 'Subscribe', 'StartTransientUnit'],
  )
  t.end()
})

t.test('stopping what is not there', (t) => {
  const { calls } = talk(
    'direct',
    (session) => stopUnit(session, 'x.scope'),
    (call) => [failure(call.serial, 'org.freedesktop.systemd1.NoSuchUnit', 'Unit x.scope not loaded.')],
  )
  t.same(
    calls.map(([member]) => member),
    ['StopUnit'],
  )
  t.end()
})

t.test('properties, and what systemd says against them', (t) => {
  const change = [{ name: 'TasksMax', signature: 't', value: 5n }]
  const { calls } = talk(
    'direct',
    (session) => setUnitProperties(session, 'x.scope', change),
    (call) => [reply(call.serial, '', [])],
  )
  t.same(calls, [['SetUnitProperties', ['x.scope', true, [['TasksMax', { signature: 't', value: 5n }]]]]])
  t.throws(
    () =>
      talk(
        'direct',
        (session) => setUnitProperties(session, 'x.scope', change),
        (call) => [failure(call.serial, 'a.b.C', 'No.')],
      ),
    { message: 'systemd: set properties of x.scope: a.b.C: No.' },
  )
  t.end()
})

t.test('the manager: version and cgroup', (t) => {
  const { result } = talk('direct', askManager, (call) => {
    const value = call.body[1] === 'Version' ? '252.39-1~deb12u1' : '/user.slice'
    return [reply(call.serial, 'v', [{ signature: 's', value }])]
  })
  t.same(result, { version: 252, controlGroup: '/user.slice' })
  t.equal(systemdVersion('v245.4-1.fc32'), 245)
  t.throws(() => systemdVersion('new'), { code: 'host' })
  t.end()
})

t.test('authentication refused', (t) => {
  const conversation = openSession('direct')
  conversation.next()
  t.throws(() => conversation.next(encodeUtf8('REJECTED EXTERNAL\r\n')), {
    message: 'systemd: D-Bus authentication: REJECTED EXTERNAL',
  })
  t.end()
})

interface Call {
  readonly serial: number
  readonly member: string
  readonly body: readonly DbusValue[]
}

/** Runs a conversation against a server that answers each call with some pieces. */
function talk<T>(
  connection: Connection,
  say: (session: Session) => Conversation<T>,
  answer: (call: Call) => readonly Uint8Array[],
) {
  const conversation = whole(connection, say)
  const calls: [string, readonly DbusValue[]][] = []
  const queue: Uint8Array[] = [OK]
  let step = conversation.next()
  for (let said = 0; !step.done; said++) {
    const found = said > 0 && step.value.length > 0 ? decodeMessage(step.value) : undefined
    if (found !== undefined) {
      const { member = '', body } = found.message
      const serial = new DataView(step.value.buffer, step.value.byteOffset).getUint32(8, true)
      calls.push([member, body])
      queue.push(...answer({ serial, member, body }))
    }
    const piece = queue.shift()
    if (piece === undefined) throw new Error('waits for something that nobody says')
    step = conversation.next(piece)
  }
  return { calls, result: step.value }
}

function* whole<T>(connection: Connection, say: (session: Session) => Conversation<T>): Conversation<T> {
  return yield* say(yield* openSession(connection))
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
