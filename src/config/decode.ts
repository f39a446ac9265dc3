/**
 * Checks a parsed JSON document against a shape, in one walk that also makes it what the generated types promise:
 * defaults filled in, 64-bit integers as bigint. The shapes are generated from spec-schemas/ (scripts/generate-schemas.ts).
 * A table and this walk instead of compiled validators: a tenth of the bytecode to load at each start. As in Go, hence in
 * runc, null and an empty optional string are absent, and keys match without regard to case. Knows no cross-field rules.
 */

import type { Problem } from '../errors.ts'
import type { Json, JsonList, JsonObject } from './json.ts'

export type Shape =
  | { readonly kind: 'string'; readonly pattern?: RegExp; readonly expected?: string }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'int64'; readonly minimum: bigint; readonly maximum: bigint }
  | { readonly kind: 'list'; readonly items: Shape; readonly minItems: number }
  | { readonly kind: 'map'; readonly values: Shape | null }
  | ObjectShape

export interface ObjectShape {
  readonly kind: 'object'
  /** Without a prototype, so that a document's key finds only members. */
  readonly members: { readonly [name: string]: Shape | null }
  readonly required: readonly string[]
  readonly defaults: { readonly [name: string]: Json }
  /** Members without effect on Linux, and why. */
  readonly ignored?: { readonly [name: string]: string }
}

/** Shared by all documents: what is frozen is never written to again. */
export const EMPTY_LIST: Json = Object.freeze([]) as unknown as Json
export const EMPTY_MAP: Json = Object.freeze({}) as Json

export interface Decoded {
  /** The document itself, changed in place; what the shape's type says if there are no problems. */
  readonly value: Json
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** Whether an integer was too large for a double. Then parse exactly and decode again: this result is worthless. */
  readonly inexact: boolean
}

/** Checks and completes `document`, which the caller gives away. `path` is where it stands in its file. */
export function decode(document: Json, shape: Shape, path = ''): Decoded {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  /** The keys from the document's root to the value at hand; only the first `depth` count. */
  const keys: (string | number)[] = []
  let inexact = false
  const value = decodeValue(document, shape, 0)
  return { value, problems, warnings, inexact }

  function decodeValue(value: Json, shape: Shape, depth: number): Json {
    switch (shape.kind) {
      case 'string':
        if (typeof value !== 'string') return expect(shape.expected ?? 'a string', value, depth)
        return shape.pattern === undefined || shape.pattern.test(value)
          ? value
          : expect(shape.expected ?? 'another string', value, depth)
      case 'object':
        return isObject(value) ? decodeObject(value, shape, depth) : expect('an object', value, depth)
      case 'list':
        return Array.isArray(value)
          ? decodeList(value, shape.items, shape.minItems, depth)
          : expect('an array', value, depth)
      case 'enum':
        return typeof value === 'string' && shape.values.includes(value)
          ? value
          : expect(`one of ${shape.values.join(', ')}`, value, depth)
      case 'boolean':
        return typeof value === 'boolean' ? value : expect('true or false', value, depth)
      case 'integer':
        return decodeInteger(value, shape.minimum, shape.maximum, depth)
      case 'int64':
        return decodeInt64(value, shape.minimum, shape.maximum, depth)
      case 'map':
        return isObject(value) ? decodeMap(value, shape.values, depth) : expect('an object', value, depth)
    }
  }

  function decodeObject(object: JsonObject, shape: ObjectShape, depth: number): Json {
    const names = Object.keys(object)
    for (let i = 0; i < names.length; i++) {
      let name = names[i] as string
      let member = shape.members[name]
      if (member === undefined) {
        name = unfold(object, shape, name)
        member = shape.members[name]
      }
      if (member !== undefined && member !== null) decodeMember(object, shape, name, member, depth)
    }
    for (const name of shape.required) {
      if (object[name] === undefined) report(problems, pathTo(depth, name), 'is required')
    }
    for (const name in shape.defaults) {
      if (object[name] === undefined) object[name] = defaultOf(shape, name)
    }
    return object
  }

  function decodeMember(object: JsonObject, shape: ObjectShape, name: string, member: Shape, depth: number): void {
    const value = object[name] as Json
    if (value === null || (value === '' && isText(member) && !shape.required.includes(name))) {
      delete object[name]
      return
    }
    keys[depth] = name
    const decoded = decodeValue(value, member, depth + 1)
    const ignored = shape.ignored?.[name]
    if (ignored !== undefined) {
      delete object[name]
      report(warnings, pathTo(depth, name), `ignored: it is ${ignored}`)
    } else if (decoded !== value) object[name] = decoded
  }

  function decodeList(list: JsonList, items: Shape, minItems: number, depth: number): Json {
    if (list.length < minItems) report(problems, pathTo(depth), 'must have at least one entry')
    for (let i = 0; i < list.length; i++) {
      const value = list[i] as Json
      keys[depth] = i
      const decoded = decodeValue(value, items, depth + 1)
      if (decoded !== value) list[i] = decoded
    }
    return list
  }

  function decodeMap(map: JsonObject, values: Shape | null, depth: number): Json {
    if (values === null) return map
    for (const name of Object.keys(map)) {
      const value = map[name] as Json
      keys[depth] = name
      const decoded = decodeValue(value, values, depth + 1)
      if (decoded !== value) map[name] = decoded
    }
    return map
  }

  function decodeInteger(value: Json, minimum: number, maximum: number, depth: number): Json {
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value
    noteRounding(value)
    return expect(`an integer from ${minimum} to ${maximum}`, value, depth)
  }

  function decodeInt64(value: Json, minimum: bigint, maximum: bigint, depth: number): Json {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      if (value >= 0 || minimum < 0n) return BigInt(value)
    } else if (typeof value === 'bigint' && value >= minimum && value <= maximum) return value
    noteRounding(value)
    return expect(`an integer from ${minimum} to ${maximum}`, value, depth)
  }

  function noteRounding(value: Json): void {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) inexact = true
  }

  function expect(expected: string, value: Json, depth: number): Json {
    report(problems, pathTo(depth), `must be ${expected}, not ${describe(value)}`)
    return value
  }

  function pathTo(depth: number, name?: string): string {
    let text = path
    for (const key of keys.slice(0, depth)) text += formatKey(key, text)
    return name === undefined ? text : text + formatKey(name, text)
  }
}

function report(to: Problem[], path: string, message: string): void {
  to.push({ path, message })
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(shape: Shape): boolean {
  return shape.kind === 'string' || shape.kind === 'enum'
}

/** Gives a member that is spelled in other case its proper name, unless that is there, too. */
function unfold(object: JsonObject, shape: ObjectShape, name: string): string {
  const lower = name.toLowerCase()
  for (const proper in shape.members) {
    if (proper.toLowerCase() !== lower) continue
    if (object[proper] === undefined || object[proper] === null) object[proper] = object[name] as Json
    delete object[name]
    return proper
  }
  return name
}

/** The value of an absent member; `{}` stands for all the defaults of the member's own shape. */
function defaultOf(shape: ObjectShape, name: string): Json {
  const member = shape.members[name]
  if (member?.kind !== 'object') return shape.defaults[name] as Json
  const object: JsonObject = {}
  for (const inner in member.defaults) object[inner] = defaultOf(member, inner)
  return object
}

/** One more step of a path, in the notation of the OCI documents: `.args`, `[3]`, `["com.example.key"]`. */
export function formatKey(key: string | number, before: string): string {
  if (typeof key === 'number') return `[${key}]`
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `[${JSON.stringify(key)}]`
  return before === '' ? key : `.${key}`
}

function describe(value: Json): string {
  if (typeof value === 'string')
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
