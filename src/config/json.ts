/**
 * JSON text to values and back without losing digits: an integer that a double cannot hold becomes a bigint. Errors name
 * line and column. Of equal keys the last wins, as in Go, hence in runc. Knows nothing of configs or schemas.
 */

import { RuntError } from '../errors.ts'

export type Json = null | boolean | number | bigint | string | JsonList | JsonObject
export type JsonList = Json[]
export type JsonObject = { [key: string]: Json }

/** Deep enough for any document we read, and shallow enough for the engine's stack, which is a quarter of a megabyte. */
const MAX_DEPTH = 500

/**
 * Parses `text` exactly; `source` is the file's name in the error. Prefer parseRounded where unsafe integers are noticed
 * anyway: the engine's own parser is ten times faster.
 */
export function parseJson(text: string, source: string): Json {
  // Fifteen digits always fit a double.
  return /\d{16}/.test(text) ? parseExact(text, source) : parseRounded(text, source)
}

/** Parses `text` with integers rounded to doubles: exact if every integer in the result is a safe one. */
export function parseRounded(text: string, source: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The engine's message differs from host to host and may lack the position. Parse again for ours.
    return parseExact(text, source)
  }
}

/** Parses `text` exactly, without the engine's help. `onDuplicate` is told of keys that occur twice in an object. */
export function parseExact(text: string, source: string, onDuplicate?: (key: string, line: number) => void): Json {
  let at = 0
  const value = parseValue(0)
  skipSpace()
  if (at < text.length) fail('expected the end of the document')
  return value

  function parseValue(depth: number): Json {
    skipSpace()
    const code = text.charCodeAt(at)
    if (code === 0x22) return parseString()
    if (code === 0x7b || code === 0x5b) {
      if (depth === MAX_DEPTH) fail(`nested more than ${MAX_DEPTH} levels deep`)
      at++
      return code === 0x7b ? parseObject(depth + 1) : parseList(depth + 1)
    }
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return parseNumber()
    if (code === 0x74 && text.startsWith('true', at)) return literal(4, true)
    if (code === 0x66 && text.startsWith('false', at)) return literal(5, false)
    if (code === 0x6e && text.startsWith('null', at)) return literal(4, null)
    return fail('expected a value')
  }

  function literal(length: number, value: boolean | null): boolean | null {
    at += length
    return value
  }

  function parseObject(depth: number): JsonObject {
    const object: JsonObject = {}
    skipSpace()
    if (take(0x7d)) return object
    for (;;) {
      skipSpace()
      if (text.charCodeAt(at) !== 0x22) fail('expected a string as key')
      const key = parseString()
      skipSpace()
      if (!take(0x3a)) fail("expected ':'")
      const value = parseValue(depth)
      if (onDuplicate !== undefined && Object.hasOwn(object, key))
        onDuplicate(key, text.slice(0, at).split('\n').length)
      set(object, key, value)
      skipSpace()
      if (take(0x7d)) return object
      if (!take(0x2c)) fail("expected ',' or '}'")
    }
  }

  function parseList(depth: number): JsonList {
    const list: JsonList = []
    skipSpace()
    if (take(0x5d)) return list
    for (;;) {
      list.push(parseValue(depth))
      skipSpace()
      if (take(0x5d)) return list
      if (!take(0x2c)) fail("expected ',' or ']'")
    }
  }

  function parseString(): string {
    const start = at
    let end = start
    do {
      end = text.indexOf('"', end + 1)
      if (end < 0) fail('the string that begins here does not end')
    } while (isEscaped(text, end))
    const raw = text.slice(start, end + 1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
    const control = raw.search(/[\0-\x1f]/)
    if (control >= 0) {
      at = start + control
      fail('a control character in a string must be escaped')
    }
    if (!raw.includes('\\')) {
      at = end + 1
      return raw.slice(1, -1)
    }
    checkEscapes(raw, start)
    at = end + 1
    return JSON.parse(raw) as string
  }

  /** QuickJS knows more escapes than JSON has. */
  function checkEscapes(raw: string, start: number): void {
    for (let offset = raw.indexOf('\\'); offset >= 0; offset = raw.indexOf('\\', offset + 2)) {
      if (/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(raw.slice(offset, offset + 6))) continue
      at = start + offset
      fail('invalid escape in a string')
    }
  }

  function parseNumber(): number | bigint {
    const pattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) return fail('expected a number')
    const [digits, fraction, exponent] = match
    const number = Number(digits)
    const next = text.charCodeAt(at + digits.length)
    if ((next >= 0x30 && next <= 0x39) || next === 0x2e) return fail('invalid number')
    at += digits.length
    return fraction === undefined && exponent === undefined && !Number.isSafeInteger(number) ? BigInt(digits) : number
  }

  function skipSpace(): void {
    for (;;) {
      const code = text.charCodeAt(at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      at++
    }
  }

  function take(code: number): boolean {
    if (text.charCodeAt(at) !== code) return false
    at++
    return true
  }

  function fail(reason: string): never {
    const before = text.slice(0, at)
    const line = before.split('\n').length
    const column = at - before.lastIndexOf('\n')
    const found = at < text.length ? `found ${JSON.stringify(text.charAt(at))}` : 'the text ends'
    const message = `line ${line}, column ${column}: ${reason}, ${found}`
    throw new RuntError('config', `${source}: ${message}`, { path: source, problems: [{ path: '', message }] })
  }
}

/** Whether the character at `at` follows an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text.charCodeAt(start - 1) === 0x5c) start--
  return (at - start) % 2 === 1
}

/** Sets a member; `__proto__` is a key like any other in a document. */
function set(object: JsonObject, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * Writes a value as JSON, a bigint as an integer; members that are undefined are left out. With `indent`, each member
 * has a line of its own.
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
