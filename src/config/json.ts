/**
 * JSON text to values and back without losing digits: an integer that a double cannot represent becomes a bigint.
 * Errors name line and column. Of equal keys the last wins, as in JavaScript; Go, hence runc, merges repeated objects,
 * which no engine writes and `validate` warns about. Independent of configs and schemas.
 */

import { RuntError } from '../errors.ts'

export type Json = null | boolean | number | bigint | string | JsonList | JsonObject
export type JsonList = Json[]
export type JsonObject = { [key: string]: Json }

/** Deep enough for any document we read; in QuickJS it needs 200 KB of stack. */
const MAX_DEPTH = 200

/**
 * Parses `text` exactly; `source` is the file's name in errors. Prefer parseRounded if unsafe integers are detected
 * anyway: the engine's own parser is ten times faster.
 */
export function parseJson(text: string, source: string): Json {
  // A double can represent any fifteen digits.
  return /\d{16}/.test(text) ? parseExact(text, source) : parseRounded(text, source)
}

/** Parses `text` with integers rounded to doubles: exact if every integer in the result is a safe one. */
export function parseRounded(text: string, source: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The engine's message differs between hosts and may lack the position, so parse again for our own.
    return parseExact(text, source)
  }
}

/** Parses `text` exactly, without the engine's parser. */
export function parseExact(text: string, source: string): Json {
  const cursor: Cursor = { text, source, at: 0 }
  const value = parseValue(cursor, 0)
  skipSpace(cursor)
  if (cursor.at < text.length) fail(cursor, 'expected the end of the document')
  return value
}

/** A text and the current position. */
interface Cursor {
  readonly text: string
  readonly source: string
  at: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

function parseValue(c: Cursor, depth: number): Json {
  skipSpace(c)
  const code = c.text.charCodeAt(c.at)
  if (code === QUOTE) return parseString(c)
  if (code === 0x7b || code === 0x5b) {
    if (depth === MAX_DEPTH) fail(c, `nested more than ${MAX_DEPTH} levels deep`)
    c.at++
    return code === 0x7b ? parseObject(c, depth + 1) : parseList(c, depth + 1)
  }
  if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return parseNumber(c)
  if (c.text.startsWith('true', c.at)) return skip(c, 4, true)
  if (c.text.startsWith('false', c.at)) return skip(c, 5, false)
  if (c.text.startsWith('null', c.at)) return skip(c, 4, null)
  return fail(c, 'expected a value')
}

function skip(c: Cursor, length: number, value: boolean | null): boolean | null {
  c.at += length
  return value
}

function parseObject(c: Cursor, depth: number): JsonObject {
  const object: JsonObject = {}
  skipSpace(c)
  if (take(c, '}')) return object
  for (;;) {
    skipSpace(c)
    if (c.text.charCodeAt(c.at) !== QUOTE) fail(c, 'expected a string as key')
    const key = parseString(c)
    skipSpace(c)
    if (!take(c, ':')) fail(c, "expected ':'")
    const value = parseValue(c, depth)
    set(object, key, value)
    skipSpace(c)
    if (take(c, '}')) return object
    if (!take(c, ',')) fail(c, "expected ',' or '}'")
  }
}

function parseList(c: Cursor, depth: number): JsonList {
  const list: JsonList = []
  skipSpace(c)
  if (take(c, ']')) return list
  for (;;) {
    list.push(parseValue(c, depth))
    skipSpace(c)
    if (take(c, ']')) return list
    if (!take(c, ',')) fail(c, "expected ',' or ']'")
  }
}

function parseString(c: Cursor): string {
  const start = c.at
  let end = start
  do {
    end = c.text.indexOf('"', end + 1)
    if (end < 0) fail(c, 'the string that begins here does not end')
  } while (isEscaped(c.text, end))
  const raw = c.text.slice(start, end + 1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
  const control = raw.search(/[\0-\x1f]/)
  if (control >= 0) fail(c, 'a control character in a string must be escaped', control)
  const hasEscapes = raw.includes('\\')
  if (hasEscapes) checkEscapes(c, raw)
  c.at = end + 1
  return hasEscapes ? (JSON.parse(raw) as string) : raw.slice(1, -1)
}

/** QuickJS accepts more escapes than JSON has. */
function checkEscapes(c: Cursor, raw: string): void {
  for (let offset = raw.indexOf('\\'); offset >= 0; offset = raw.indexOf('\\', offset + 2)) {
    if (/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(raw.slice(offset, offset + 6))) continue
    fail(c, 'invalid escape in a string', offset)
  }
}

/** Whether an odd number of backslashes precedes the character at `at`. */
export function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text.charCodeAt(start - 1) === BACKSLASH) start--
  return (at - start) % 2 === 1
}

function parseNumber(c: Cursor): number | bigint {
  const pattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
  pattern.lastIndex = c.at
  const match = pattern.exec(c.text)
  if (match === null) return fail(c, 'expected a number')
  const [digits, fraction, exponent] = match
  const next = c.text.charCodeAt(c.at + digits.length)
  if ((next >= 0x30 && next <= 0x39) || next === 0x2e) return fail(c, 'invalid number')
  c.at += digits.length
  const number = Number(digits)
  return fraction === undefined && exponent === undefined && !Number.isSafeInteger(number) ? BigInt(digits) : number
}

function skipSpace(c: Cursor): void {
  for (;;) {
    const code = c.text.charCodeAt(c.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    c.at++
  }
}

function take(c: Cursor, char: string): boolean {
  if (c.text[c.at] !== char) return false
  c.at++
  return true
}

/** 1-based; columns are UTF-16 code units, as in editors. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** The position of a character. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

/** Throws; `offset` is the distance of the error from the cursor. */
function fail(c: Cursor, reason: string, offset = 0): never {
  c.at += offset
  const { text, at, source } = c
  const position = positionAt(text, at)
  const found = at < text.length ? `found ${JSON.stringify(text.charAt(at))}` : 'the text ends'
  const message = `${reason}, ${found}`
  const problems = [{ path: '', message, position }]
  const { line, column } = position
  throw new RuntError('config', `${source}: line ${line}, column ${column}: ${message}`, { path: source, problems })
}

/** Sets a member; `__proto__` is a key like any other in a document. */
function set(object: JsonObject, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * Writes a value as JSON, a bigint as an integer; omits members that are undefined. With `indent`, each member has a
 * line of its own.
 */
export function stringify(value: unknown, indent = ''): string {
  return write(value, indent, indent === '' ? '' : '\n')
}

function write(value: unknown, indent: string, newline: string): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const inner = newline === '' ? '' : newline + indent
  const parts: string[] = []
  if (Array.isArray(value)) {
    for (const item of value) parts.push(inner + write(item, indent, inner))
    return parts.length === 0 ? '[]' : `[${parts.join(',')}${newline}]`
  }
  const colon = newline === '' ? ':' : ': '
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) parts.push(inner + JSON.stringify(key) + colon + write(member, indent, inner))
  }
  return parts.length === 0 ? '{}' : `{${parts.join(',')}${newline}}`
}
