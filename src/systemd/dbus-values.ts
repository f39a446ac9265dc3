/**
 * Values in D-Bus's wire format (D-Bus Specification, "Type System" and "Marshaling"), written and read by their
 * signature. Written little-endian; read in either order. Messages are in dbus.ts.
 */

import { decodeUtf8, encodeUtf8 } from '../utf8.ts'

/** x and t are bigint, all shorter integers and d number; an array of bytes (ay) may be a Uint8Array; structures are arrays. */
export type DbusValue = boolean | number | bigint | string | Uint8Array | readonly DbusValue[] | Variant

export interface Variant {
  readonly signature: string
  readonly value: DbusValue
}

const ALIGNMENT: { readonly [code: string]: number } = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  d: 8,
  '(': 8,
  '{': 8,
}

/** The specification allows 32 nested arrays, 32 nested structures, and 64 levels in all. */
const MAX_DEPTH = 64

/** Appends the values of `signature` to `bytes`; alignment is relative to the start of `bytes`. */
export function marshal(bytes: number[], signature: string, values: readonly DbusValue[]): void {
  let at = 0
  for (const value of values) {
    const end = typeEnd(signature, at)
    marshalOne(bytes, signature.slice(at, end), value)
    at = end
  }
  if (at !== signature.length)
    throw new RangeError(`D-Bus signature "${signature}" has more than ${values.length} values`)
}

/**
 * Reads the values of `signature` at `offset`, and returns their end. Throws a RangeError if the bytes do not match.
 */
export function unmarshal(
  view: DataView,
  offset: number,
  signature: string,
  order: 'little' | 'big',
  depth = 0,
): { values: DbusValue[]; end: number } {
  if (depth > MAX_DEPTH) throw new RangeError('D-Bus value with too many levels')
  const values: DbusValue[] = []
  let position = offset
  for (let at = 0; at < signature.length; ) {
    const end = typeEnd(signature, at)
    const read = unmarshalOne(view, position, signature.slice(at, end), order, depth)
    values.push(read.value)
    position = read.end
    at = end
  }
  return { values, end: position }
}

/** The end of the complete type that begins at `start`. */
export function typeEnd(signature: string, start: number, depth = 0): number {
  const code = signature[start]
  if (code === undefined || !(code in ALIGNMENT) || depth > MAX_DEPTH)
    throw new RangeError(`"${signature}" is no D-Bus signature`)
  if (code === 'a') return typeEnd(signature, start + 1, depth + 1)
  if (code !== '(' && code !== '{') return start + 1
  const close = code === '(' ? ')' : '}'
  let at = start + 1
  while (signature[at] !== close) at = typeEnd(signature, at, depth + 1)
  return at + 1
}

function marshalOne(bytes: number[], type: string, value: DbusValue): void {
  const code = type[0] as string
  pad(bytes, code)
  if (code === 's' || code === 'o') {
    const text = encodeUtf8(value as string)
    pushInteger(bytes, text.length, 4)
    bytes.push(...text, 0)
  } else if (code === 'g') {
    const text = encodeUtf8(value as string)
    bytes.push(text.length, ...text, 0)
  } else if (code === 'v') {
    const variant = value as Variant
    marshalOne(bytes, 'g', variant.signature)
    marshalOne(bytes, variant.signature, variant.value)
  } else if (code === 'a') {
    marshalArray(bytes, type.slice(1), value as readonly DbusValue[])
  } else if (code === '(' || code === '{') {
    marshal(bytes, type.slice(1, -1), value as readonly DbusValue[])
  } else if (code === 'd') {
    const eight = new DataView(new ArrayBuffer(8))
    eight.setFloat64(0, value as number, true)
    bytes.push(...new Uint8Array(eight.buffer))
  } else {
    pushInteger(bytes, code === 'b' ? Number(value) : (value as number | bigint), ALIGNMENT[code] as number)
  }
}

function marshalArray(bytes: number[], element: string, items: readonly DbusValue[] | Uint8Array): void {
  const lengthAt = bytes.length
  pushInteger(bytes, 0, 4)
  pad(bytes, element[0] as string) // not included in the length, and present even if the array is empty
  const start = bytes.length
  for (const item of items) marshalOne(bytes, element, item)
  const length: number[] = []
  pushInteger(length, bytes.length - start, 4)
  bytes.splice(lengthAt, 4, ...length)
}

function pad(bytes: number[], code: string): void {
  while (bytes.length % (ALIGNMENT[code] as number) !== 0) bytes.push(0)
}

function pushInteger(bytes: number[], value: number | bigint, size: number): void {
  let rest = BigInt.asUintN(size * 8, BigInt(value))
  for (let i = 0; i < size; i++) {
    bytes.push(Number(rest & 0xffn))
    rest >>= 8n
  }
}

interface Read {
  readonly value: DbusValue
  readonly end: number
}

function unmarshalOne(view: DataView, offset: number, type: string, order: 'little' | 'big', depth: number): Read {
  const code = type[0] as string
  const little = order === 'little'
  const at = aligned(offset, code)
  switch (code) {
    case 'y':
      return { value: view.getUint8(at), end: at + 1 }
    case 'n':
      return { value: view.getInt16(at, little), end: at + 2 }
    case 'q':
      return { value: view.getUint16(at, little), end: at + 2 }
    case 'b':
      return { value: view.getUint32(at, little) === 1, end: at + 4 }
    case 'i':
      return { value: view.getInt32(at, little), end: at + 4 }
    case 'u':
      return { value: view.getUint32(at, little), end: at + 4 }
    case 'x':
      return { value: view.getBigInt64(at, little), end: at + 8 }
    case 't':
      return { value: view.getBigUint64(at, little), end: at + 8 }
    case 'd':
      return { value: view.getFloat64(at, little), end: at + 8 }
    case 'g':
      return text(view, at + 1, view.getUint8(at))
    case 's':
    case 'o':
      return text(view, at + 4, view.getUint32(at, little))
    case 'v':
      return variant(view, at, order, depth)
    case 'a':
      return array(view, at, type.slice(1), order, depth)
    default: {
      const { values, end } = unmarshal(view, at, type.slice(1, -1), order, depth + 1)
      return { value: values, end }
    }
  }
}

function text(view: DataView, start: number, length: number): Read {
  if (start + length >= view.byteLength) throw new RangeError('D-Bus string exceeds its message')
  return { value: decodeUtf8(new Uint8Array(view.buffer, view.byteOffset + start, length)), end: start + length + 1 }
}

function variant(view: DataView, at: number, order: 'little' | 'big', depth: number): Read {
  const { value, end } = text(view, at + 1, view.getUint8(at))
  const signature = value as string
  const { values, end: behind } = unmarshal(view, end, signature, order, depth + 1)
  const [only] = values
  if (only === undefined || values.length > 1) throw new RangeError(`D-Bus variant of type "${signature}"`)
  return { value: { signature, value: only }, end: behind }
}

function array(view: DataView, at: number, element: string, order: 'little' | 'big', depth: number): Read {
  const length = view.getUint32(at, order === 'little')
  let position = aligned(at + 4, element[0] as string)
  const end = position + length
  if (depth > MAX_DEPTH) throw new RangeError('D-Bus value with too many levels')
  if (end > view.byteLength) throw new RangeError('D-Bus array exceeds its message')
  const items: DbusValue[] = []
  while (position < end) {
    const read = unmarshalOne(view, position, element, order, depth + 1)
    if (read.end === position) throw new RangeError('D-Bus array of nothing')
    if (read.end > end) throw new RangeError('D-Bus value exceeds its array')
    items.push(read.value)
    position = read.end
  }
  return { value: items, end }
}

function aligned(offset: number, code: string): number {
  const size = ALIGNMENT[code] as number
  return Math.ceil(offset / size) * size
}
