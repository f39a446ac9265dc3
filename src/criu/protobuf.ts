// The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as CRIU's messages use it: integers, booleans,
// strings, and nested messages. rpc.ts defines the fields.

import { decodeUtf8, encodeUtf8 } from '../utf8.ts'

/** A field: its number and type. The third element describes a 'message'. */
export type Field =
  | readonly [number: number, type: 'int' | 'bool' | 'string' | 'strings']
  | readonly [number: number, type: 'message' | 'messages', schema: Schema]
export type Schema = { readonly [name: string]: Field }

type Scalar = {
  readonly int: number
  readonly bool: boolean
  readonly string: string
  readonly strings: readonly string[]
}
type ValueOf<F extends Field> = F extends readonly [number, 'message', infer S extends Schema]
  ? ValuesOf<S>
  : F extends readonly [number, 'messages', infer S extends Schema]
    ? readonly ValuesOf<S>[]
    : F extends readonly [number, infer T extends keyof Scalar]
      ? Scalar[T]
      : never
/** The values of a message; absent ones are not sent. */
export type ValuesOf<S extends Schema> = { readonly [N in keyof S]?: ValueOf<S[N]> | undefined }

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]
const WORD = 2n ** 64n

export function encodeMessage<S extends Schema>(schema: S, values: ValuesOf<S>): Uint8Array {
  const out: number[] = []
  for (const [name, field] of Object.entries(schema)) {
    const value = values[name]
    if (value === undefined) continue
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    for (const one of all) putField(out, field, one)
  }
  return Uint8Array.from(out)
}

function putField(out: number[], [number, type, schema]: Field, value: unknown): void {
  if (type === 'int' || type === 'bool') {
    putVarint(out, BigInt((number << 3) | VARINT))
    putVarint(out, BigInt(value as number | boolean))
    return
  }
  const bytes = schema === undefined ? encodeUtf8(value as string) : encodeMessage(schema, value as ValuesOf<Schema>)
  putVarint(out, BigInt((number << 3) | BYTES))
  putVarint(out, BigInt(bytes.length))
  for (const byte of bytes) out.push(byte)
}

/** A negative number is encoded as its 64-bit complement. */
function putVarint(out: number[], value: bigint): void {
  let rest = value < 0n ? value + WORD : value
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  out.push(Number(rest))
}

/** Skips fields that are not in the schema; undefined if the bytes are not a message. */
export function decodeMessage<S extends Schema>(schema: S, bytes: Uint8Array): ValuesOf<S> | undefined {
  const byNumber = new Map(Object.entries(schema).map(([name, field]) => [field[0], [name, field]] as const))
  const values: { [name: string]: unknown } = {}
  for (let at = 0; at < bytes.length; ) {
    const head = takeVarint(bytes, at)
    if (head === undefined) return undefined
    const body = takeBody(bytes, head.next, Number(head.value & 7n))
    if (body === undefined) return undefined
    const known = byNumber.get(Number(head.value >> 3n))
    if (known !== undefined) values[known[0]] = takeValue(known[1], body)
    at = body.next
  }
  return values as ValuesOf<S>
}

type Body = { readonly value: bigint; readonly bytes: Uint8Array; readonly next: number }

function takeValue([, type, schema]: Field, { value, bytes }: Body): unknown {
  if (type === 'bool') return value !== 0n
  if (type === 'int') return Number(BigInt.asIntN(64, value))
  return schema === undefined ? decodeUtf8(bytes) : decodeMessage(schema, bytes)
}

function takeBody(bytes: Uint8Array, at: number, wire: number): Body | undefined {
  if (wire === VARINT) {
    const number = takeVarint(bytes, at)
    return number && { ...number, bytes: new Uint8Array() }
  }
  const length = wire === BYTES ? takeVarint(bytes, at) : undefined
  const start = length?.next ?? at
  const size = wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : length === undefined ? -1 : Number(length.value)
  if (size < 0 || start + size > bytes.length) return undefined
  return { value: 0n, bytes: bytes.subarray(start, start + size), next: start + size }
}

function takeVarint(bytes: Uint8Array, at: number): { readonly value: bigint; readonly next: number } | undefined {
  let value = 0n
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return undefined
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  return undefined
}
