// Binary messages of other programs: D-Bus and CRIU's protocol.

import { decodeResponse } from '../../src/criu/rpc.ts'
import { RuntError } from '../../src/errors.ts'
import { askManager, setUnitProperties, startUnit, stopUnit } from '../../src/systemd/conversation.ts'
import { decodeMessage } from '../../src/systemd/dbus.ts'
import { marshal, unmarshal } from '../../src/systemd/dbus-values.ts'
import type { Property } from '../../src/systemd/property.ts'
import { type Connection, type Conversation, openSession } from '../../src/systemd/session.ts'
import { holds, orRefused, same, type Target } from '../target.ts'

/** One message, and the bytes after it. */
function dbus(input: Uint8Array): void {
  const decoded = orRefused(RangeError, () => decodeMessage(input))
  if (decoded === undefined) return
  const { message, length } = decoded
  holds('length', length <= input.length && length >= 16)
  for (const text of [message.path, message.interface, message.member, message.errorName])
    holds('no text', text === undefined || typeof text === 'string')
  holds('no serial', message.replyTo === undefined || typeof message.replyTo === 'number')
}

/** A length, a signature, and values of it: what is read must be written and read as the same values. */
function dbusValues(input: Uint8Array): void {
  const length = (input[0] ?? 0) % 64
  const signature = String.fromCharCode(...input.subarray(1, 1 + length))
  const bytes = Uint8Array.from(input.subarray(1 + length))
  const view = new DataView(bytes.buffer)
  for (const order of ['little', 'big'] as const) {
    const read = orRefused(RangeError, () => unmarshal(view, 0, signature, order))
    if (read === undefined) continue
    holds(`ends at ${read.end}`, Number.isInteger(read.end) && read.end <= bytes.length)
    const written: number[] = []
    marshal(written, signature, read.values)
    const again = unmarshal(new DataView(Uint8Array.from(written).buffer), 0, signature, 'little')
    same('written and read', again.values, read.values)
  }
}

const properties: readonly Property[] = [{ name: 'CPUWeight', signature: 't', value: 5n }]

/** A conversation with bytes in pieces; every piece begins with its length. */
function talk<T>(
  conversation: Conversation<T>,
  input: Uint8Array,
  from: number,
): { readonly value?: T; readonly at: number } {
  let at = from
  let step = conversation.next()
  while (!step.done) {
    if (at >= input.length) return { at }
    const length = input[at] as number
    step = conversation.next(Uint8Array.from(input.subarray(at + 1, at + 1 + length)))
    at += 1 + length
  }
  return { value: step.value, at }
}

const talks = [
  askManager,
  (session: Parameters<typeof askManager>[0]) => startUnit(session, 'x.scope', properties),
  (session: Parameters<typeof askManager>[0]) => stopUnit(session, 'x.scope'),
  (session: Parameters<typeof askManager>[0]) => setUnitProperties(session, 'x.scope', properties),
]

function session(input: Uint8Array): void {
  const how = input[0] ?? 0
  const connection: Connection = how & 1 ? 'bus' : 'direct'
  // As in state/systemd.ts: a RangeError means that the bytes are not a D-Bus message.
  const refused = (make: () => void) => orRefused(RangeError, () => orRefused(RuntError, make))
  refused(() => {
    const opened = talk(openSession(connection), input, 1)
    const next = talks[(how >> 1) % talks.length]
    if (opened.value === undefined || next === undefined) return
    const { value } = talk<unknown>(next(opened.value), input, opened.at)
    if (typeof value !== 'object' || value === null) return
    const { version, controlGroup } = value as { version: unknown; controlGroup: unknown }
    holds('no facts', Number.isInteger(version) && typeof controlGroup === 'string')
  })
}

/** Not a message, or one whose values all have the declared types. */
function criu(input: Uint8Array): void {
  const response = decodeResponse(input)
  if (response === undefined) return
  const types = { type: 'number', success: 'boolean', cr_errno: 'number', cr_errmsg: 'string' } as const
  for (const [name, type] of Object.entries(types)) {
    const value = response[name as keyof typeof types]
    holds(`${name}: ${String(value)}`, value === undefined || (typeof value === type && !Number.isNaN(value)))
  }
  const { notify, restore } = response
  for (const text of [notify?.script]) holds('no script', text === undefined || typeof text === 'string')
  for (const pid of [notify?.pid, restore?.pid]) holds('no pid', pid === undefined || Number.isInteger(pid))
}

const dbusWords = [
  'a(sv)',
  '(',
  ')',
  'v',
  '\x01v\0',
  '\x01s\0',
  '\x02ai\0',
  'a{sv}',
  '\0\0\0\0',
  '\x08\x01g\0',
  '\xff\xff\xff\x7f',
  'aaaa',
]

export const messages: readonly Target[] = [
  { name: 'dbus', form: 'bytes', words: dbusWords, run: dbus },
  { name: 'dbus-values', form: 'bytes', words: dbusWords, run: dbusValues },
  {
    name: 'systemd-session',
    form: 'bytes',
    words: ['\x04OK\r\n', 'REJECTED\r\n', 'JobRemoved', ...dbusWords],
    run: session,
  },
  {
    name: 'criu',
    form: 'bytes',
    words: ['\x08\x01', '\x10\x01', '\x2a\x02\x10\x01', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01'],
    run: criu,
  },
]
