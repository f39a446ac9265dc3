/**
 * Parses values in GVariant's text format (GLib Reference, "GVariant Text Format"), in which annotations write
 * properties of systemd units: `true`, `'text'`, `uint64 5`, `['a', 'b']`, `(1, 'x')`, `@as []`, `<'boxed'>`.
 * Dictionaries and maybes are not supported: no property of a unit has them.
 */

import { type DbusValue, typeEnd, type Variant } from './dbus-values.ts'

/** Keywords before a number and the type they stand for. */
const KEYWORDS: { readonly [keyword: string]: string } = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  handle: 'h',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}
const RANGES: { readonly [type: string]: readonly [bigint, bigint] } = {
  y: [0n, 255n],
  n: [-32768n, 32767n],
  q: [0n, 65535n],
  i: [-2147483648n, 2147483647n],
  u: [0n, 4294967295n],
  x: [-9223372036854775808n, 9223372036854775807n],
  t: [0n, 18446744073709551615n],
}

/** The limit of D-Bus: deeper values cannot be sent. */
const MAX_DEPTH = 64

interface Cursor {
  readonly text: string
  at: number
  depth: number
}

/** Parses a value with its type. Throws a SyntaxError that says what is wrong. */
export function parseGVariant(text: string): Variant {
  const cursor = { text, at: 0, depth: 0 }
  const variant = parseValue(cursor, undefined)
  skipBlanks(cursor)
  if (cursor.at < text.length) throw new SyntaxError(`unexpected ${JSON.stringify(text.slice(cursor.at))}`)
  return variant
}

function parseValue(cursor: Cursor, expected: string | undefined): Variant {
  if (cursor.depth === MAX_DEPTH) throw new SyntaxError(`more than ${MAX_DEPTH} values in each other`)
  cursor.depth++
  const variant = parseForm(cursor, expected)
  cursor.depth--
  if (expected !== undefined && variant.signature !== expected)
    throw new SyntaxError(`a value of type "${variant.signature}" is not of type "${expected}"`)
  return variant
}

function parseForm(cursor: Cursor, expected: string | undefined): Variant {
  skipBlanks(cursor)
  const character = cursor.text[cursor.at]
  if (character === "'" || character === '"') return typed(expected ?? 's', parseString(cursor, character))
  if (character === '[') return parseArray(cursor, expected)
  if (character === '(') return parseTuple(cursor, expected)
  if (character === '<') return parseBoxed(cursor)
  if (character === '@') return parseAnnotated(cursor)
  const word = parseWord(cursor)
  if (word === 'true' || word === 'false') return typed(expected ?? 'b', word === 'true')
  const keyword = Object.hasOwn(KEYWORDS, word) ? KEYWORDS[word] : undefined
  if (keyword !== undefined) return parseValue(cursor, keyword)
  return parseNumber(word, expected)
}

function parseNumber(word: string, expected: string | undefined): Variant {
  const isInteger = /^[+-]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(word)
  const type = expected ?? (isInteger ? 'i' : 'd')
  if (type === 'd') {
    const value = Number(word)
    if (word === '' || Number.isNaN(value)) throw new SyntaxError(`${JSON.stringify(word)} is no value`)
    return { signature: 'd', value }
  }
  const range = RANGES[type]
  if (!isInteger || range === undefined) throw new SyntaxError(`${JSON.stringify(word)} is no value of type "${type}"`)
  const negative = word.startsWith('-')
  const magnitude = BigInt(word.replace(/^[+-]/, ''))
  const value = negative ? -magnitude : magnitude
  if (value < range[0] || value > range[1]) throw new SyntaxError(`${word} does not fit type "${type}"`)
  return { signature: type, value: type === 'x' || type === 't' ? value : Number(value) }
}

function parseArray(cursor: Cursor, expected: string | undefined): Variant {
  if (expected !== undefined && !expected.startsWith('a')) throw new SyntaxError(`a list is not of type "${expected}"`)
  let element = expected?.slice(1)
  const items = parseItems(cursor, ']', () => {
    const item = parseValue(cursor, element)
    if (element !== undefined && item.signature !== element) throw new SyntaxError('the items of a list differ in type')
    element = item.signature
    return item.value
  })
  if (element === undefined) throw new SyntaxError('an empty list needs its type: @as []')
  return { signature: `a${element}`, value: items }
}

function parseTuple(cursor: Cursor, expected: string | undefined): Variant {
  if (expected !== undefined && !expected.startsWith('(')) throw new SyntaxError(`a tuple is not of type "${expected}"`)
  let signature = ''
  const items = parseItems(cursor, ')', () => {
    const at = 1 + signature.length
    if (expected?.[at] === ')') throw new SyntaxError(`a tuple has more items than type "${expected}"`)
    const type = expected?.slice(at, typeEnd(expected, at))
    const item = parseValue(cursor, type)
    signature += item.signature
    return item.value
  })
  return { signature: `(${signature})`, value: items }
}

/** The items up to `close`, separated by commas. */
function parseItems(cursor: Cursor, close: string, parseItem: () => DbusValue): DbusValue[] {
  const items: DbusValue[] = []
  cursor.at++
  for (;;) {
    skipBlanks(cursor)
    if (cursor.text[cursor.at] === close) break
    if (items.length > 0) expect(cursor, ',')
    skipBlanks(cursor)
    if (items.length > 0 && cursor.text[cursor.at] === close) break // (1,) is a tuple of one
    items.push(parseItem())
  }
  cursor.at++
  return items
}

function parseBoxed(cursor: Cursor): Variant {
  cursor.at++
  const value = parseValue(cursor, undefined)
  skipBlanks(cursor)
  expect(cursor, '>')
  return { signature: 'v', value }
}

function parseAnnotated(cursor: Cursor): Variant {
  cursor.at++
  const start = cursor.at
  while (cursor.at < cursor.text.length && cursor.text[cursor.at] !== ' ') cursor.at++
  const type = cursor.text.slice(start, cursor.at)
  try {
    if (typeEnd(type, 0) !== type.length) throw new RangeError()
  } catch {
    throw new SyntaxError(`"@${type}" is no type`)
  }
  return parseValue(cursor, type)
}

function parseString(cursor: Cursor, quote: string): string {
  let value = ''
  for (cursor.at++; cursor.text[cursor.at] !== quote; cursor.at++) {
    const character = cursor.text[cursor.at]
    if (character === undefined) throw new SyntaxError('a string has no end')
    value += character === '\\' ? parseEscape(cursor) : character
  }
  cursor.at++
  return value
}

function parseEscape(cursor: Cursor): string {
  const letter = cursor.text[++cursor.at]
  const digits = letter === 'u' ? 4 : letter === 'U' ? 8 : 0
  if (digits > 0) {
    const code = cursor.text.slice(cursor.at + 1, cursor.at + 1 + digits)
    const point = /^[0-9a-fA-F]+$/.test(code) && code.length === digits ? Number.parseInt(code, 16) : Number.NaN
    if (!(point <= 0x10ffff)) throw new SyntaxError(`\\${letter}${code} is no character`)
    cursor.at += digits
    return String.fromCodePoint(point)
  }
  if (letter === undefined) throw new SyntaxError('a string has no end')
  const control = 'abfnrtv'.indexOf(letter)
  return control < 0 ? letter : ('\u0007\b\f\n\r\t\v'[control] as string)
}

function parseWord(cursor: Cursor): string {
  const start = cursor.at
  while (/[A-Za-z0-9+.-]/.test(cursor.text[cursor.at] ?? '')) cursor.at++
  return cursor.text.slice(start, cursor.at)
}

function typed(signature: string, value: DbusValue): Variant {
  const isText = typeof value === 'string'
  if (isText ? !'sog'.includes(signature) : signature !== 'b')
    throw new SyntaxError(`not a value of type "${signature}"`)
  return { signature, value }
}

function expect(cursor: Cursor, character: string): void {
  if (cursor.text[cursor.at] !== character) {
    throw new SyntaxError(`expected "${character}" at ${JSON.stringify(cursor.text.slice(cursor.at))}`)
  }
  cursor.at++
}

function skipBlanks(cursor: Cursor): void {
  while (' \t\n'.includes(cursor.text[cursor.at] ?? 'x')) cursor.at++
}
