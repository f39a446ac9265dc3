/**
 * Encodes and decodes D-Bus messages (D-Bus Specification, "Message Protocol" and "Authentication Protocol"), as far as
 * a client of systemd needs them: method calls out; replies, errors and signals in. conversation.ts has the contents.
 */

import { encodeUtf8 } from '../utf8.ts'
import { type DbusValue, marshal, unmarshal, type Variant } from './dbus-values.ts'

export interface MethodCall {
  readonly serial: number
  /** Absent on a connection to systemd itself, without a bus. */
  readonly destination?: string | undefined
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature: string
  readonly body: readonly DbusValue[]
}

export interface Message {
  readonly type: 'call' | 'return' | 'error' | 'signal' | 'unknown'
  /** Of a return or an error: the serial of the call. */
  readonly replyTo?: number
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  /** Such as org.freedesktop.systemd1.UnitExists. */
  readonly errorName?: string
  readonly body: readonly DbusValue[]
}

const TYPES = ['unknown', 'call', 'return', 'error', 'signal'] as const
const METHOD_CALL = 1
const NO_AUTO_START = 2
const PROTOCOL_VERSION = 1
/** "The maximum length of a message … is 2 to the 27th power." */
const MAX_LENGTH = 2 ** 27

/** Header fields by number. */
const PATH = 1
const INTERFACE = 2
const MEMBER = 3
const ERROR_NAME = 4
const REPLY_SERIAL = 5
const DESTINATION = 6
const SIGNATURE = 8

/**
 * A client's first bytes: EXTERNAL authentication by the socket's credentials. They name no uid, which in a user
 * namespace would differ from the one that the server sees.
 */
export function authenticationBytes(): Uint8Array {
  return encodeUtf8('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n')
}

export function encodeCall(call: MethodCall): Uint8Array {
  const body: number[] = []
  marshal(body, call.signature, call.body)
  const fields: [number, Variant][] = [
    [PATH, { signature: 'o', value: call.path }],
    [INTERFACE, { signature: 's', value: call.interface }],
    [MEMBER, { signature: 's', value: call.member }],
  ]
  if (call.destination !== undefined) fields.push([DESTINATION, { signature: 's', value: call.destination }])
  if (call.signature !== '') fields.push([SIGNATURE, { signature: 'g', value: call.signature }])
  const bytes: number[] = []
  const start = ['l'.charCodeAt(0), METHOD_CALL, NO_AUTO_START, PROTOCOL_VERSION, body.length, call.serial, fields]
  marshal(bytes, 'yyyyuua(yv)', start)
  while (bytes.length % 8 !== 0) bytes.push(0)
  return Uint8Array.from([...bytes, ...body])
}

/**
 * The first message in `bytes` and its length, or undefined if it is incomplete. Throws a RangeError for bytes that are
 * not a message.
 */
export function decodeMessage(bytes: Uint8Array): { message: Message; length: number } | undefined {
  if (bytes.length < 16) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const order = bytes[0] === 'l'.charCodeAt(0) ? 'little' : 'big'
  if (order === 'big' && bytes[0] !== 'B'.charCodeAt(0)) throw new RangeError('not a D-Bus message')
  const bodyLength = view.getUint32(4, order === 'little')
  const bodyStart = Math.ceil((16 + view.getUint32(12, order === 'little')) / 8) * 8
  const length = bodyStart + bodyLength
  if (length > MAX_LENGTH) throw new RangeError(`D-Bus message of ${length} bytes`)
  if (bytes.length < length) return undefined

  const whole = new DataView(bytes.buffer, bytes.byteOffset, length)
  const pairs = unmarshal(whole, 12, 'a(yv)', order).values[0] as readonly (readonly [number, Variant])[]
  const fields = new Map(pairs.map(([number, { value }]) => [number, value]))
  const signature = fields.get(SIGNATURE) ?? ''
  if (typeof signature !== 'string') throw new RangeError('D-Bus message without a right signature')
  const replyTo = fields.get(REPLY_SERIAL)
  const message: Message = {
    type: TYPES[bytes[1] ?? 0] ?? 'unknown',
    ...textField('path', fields.get(PATH)),
    ...textField('interface', fields.get(INTERFACE)),
    ...textField('member', fields.get(MEMBER)),
    ...textField('errorName', fields.get(ERROR_NAME)),
    ...(typeof replyTo === 'number' && { replyTo }),
    body: unmarshal(whole, bodyStart, signature, order).values,
  }
  return { message, length }
}

function textField<K extends string>(name: K, value: DbusValue | undefined): { [k in K]?: string } {
  return typeof value === 'string' ? ({ [name]: value } as { [k in K]: string }) : {}
}
