/**
 * Checks a parsed JSON document and converts it, in place and in the same walk, to its generated type: fills in
 * defaults, makes 64-bit integers bigint. build/gen/check-*.ts, generated from spec-schemas/, calls a function of this
 * file for each member that is present; so a usual document costs a few calls and no paths. Like Go, hence like runc,
 * it treats null and an empty string member as absent and ignores the case of keys. Rules about several members are
 * elsewhere.
 */

import type { Problem } from '../errors.ts'
import { suggest } from '../suggest.ts'
import type { Json, JsonList, JsonObject } from './json.ts'

/** The state and results of one walk. */
export interface Walk {
  readonly problems: Problem[]
  readonly warnings: Problem[]
  /** The keys from the root to the current object; those at its depth and beyond are stale. */
  readonly keys: (string | number)[]
  /** Keys without a member, and the names of the members at that place. */
  readonly unknown: Unknown[]
  /** Members without effect and unknown ones, removed in the end: the rest conforms to the type. */
  readonly ignored: (readonly [JsonObject, string])[]
  /** A member was renamed or removed: walk again. */
  again: boolean
  /** An integer was too large for a double, so the text must be parsed exactly. */
  inexact: boolean
}

export interface Unknown {
  readonly path: string
  readonly key: string
  readonly names: readonly string[]
}

/** Checks the members of an object at depth `d`; generated. */
export type CheckMembers = (w: Walk, o: JsonObject, d: number) => void

/** Checks the value `v` of the member `key` of `o`, which stands at depth `d`. */
type CheckValue<A> = (w: Walk, o: JsonObject | JsonList, key: string | number, v: Json, d: number, argument: A) => void

export interface Decoded {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly unknown: readonly Unknown[]
  /** The result is invalid: parse the text exactly, and decode it again. */
  readonly inexact: boolean
}

/** Shared by all documents and never modified. */
export const EMPTY_LIST: Json = Object.freeze([]) as unknown as Json
export const EMPTY_MAP: Json = Object.freeze({}) as Json

/** Checks and completes `document` in place. If there are no problems, it has the type that goes with `check`. */
export function decode(document: Json, check: CheckMembers): Decoded {
  for (;;) {
    const walk: Walk = { problems: [], warnings: [], unknown: [], keys: [], ignored: [], again: false, inexact: false }
    if (isObject(document)) check(walk, document, 0)
    else walk.problems.push({ path: '', message: `must be an object, not ${describe(document)}` })
    if (walk.again && !walk.inexact) continue
    for (const [object, key] of walk.ignored) delete object[key]
    return walk
  }
}

export function string(w: Walk, _o: JsonObject | JsonList, key: string | number, v: Json, d: number): void {
  if (typeof v !== 'string') expected('a string', w, key, v, d)
}

/** A string member; an empty one is absent. */
export function text(w: Walk, o: JsonObject, key: string, v: Json, d: number): void {
  if (typeof v !== 'string' || v === '') oddText('a string', w, o, key, v, d)
}

/** A string with a pattern; `noun` describes it in messages. */
export function matching(
  w: Walk,
  o: JsonObject | JsonList,
  key: string | number,
  v: Json,
  d: number,
  form: { readonly pattern: RegExp; readonly noun: string },
): void {
  if (typeof v !== 'string' || v === '' || !form.pattern.test(v)) oddText(form.noun, w, o, key, v, d)
}

export function oneOf(
  w: Walk,
  o: JsonObject | JsonList,
  key: string | number,
  v: Json,
  d: number,
  values: readonly string[],
): void {
  if (values.includes(v as string)) return
  const before = w.problems.length
  oddText(`one of ${values.join(', ')}`, w, o, key, v, d)
  const problem = w.problems[before]
  const suggestion = typeof v === 'string' ? suggest(v, values) : undefined
  if (problem !== undefined && suggestion !== undefined) w.problems[before] = { ...problem, suggestion }
}

export function boolean(w: Walk, o: JsonObject, key: string, v: Json, d: number): void {
  if (typeof v !== 'boolean') odd('true or false', w, o, key, v, d)
}

export function integer(
  w: Walk,
  o: JsonObject | JsonList,
  key: string | number,
  v: Json,
  d: number,
  minimum: number,
  maximum: number,
): void {
  if (typeof v === 'number' && v % 1 === 0 && v >= minimum && v <= maximum) return
  const isName = typeof v === 'string' && (key === 'uid' || key === 'gid')
  const way = isName ? ' (names are not looked up: see /etc/passwd of the image)' : ''
  odd(`an integer from ${minimum} to ${maximum}${way}`, w, o, key, v, d)
}

export function uint32(w: Walk, o: JsonObject | JsonList, key: string | number, v: Json, d: number): void {
  integer(w, o, key, v, d, 0, 4294967295)
}

export function int64(w: Walk, o: JsonObject, key: string, v: Json, d: number): void {
  if (Number.isSafeInteger(v)) o[key] = BigInt(v as number)
  else if (typeof v !== 'bigint' || v < -9223372036854775808n || v > 9223372036854775807n) {
    odd('an integer from -9223372036854775808 to 9223372036854775807', w, o, key, v, d)
  }
}

export function uint64(w: Walk, o: JsonObject, key: string, v: Json, d: number): void {
  if (Number.isSafeInteger(v) && (v as number) >= 0) o[key] = BigInt(v as number)
  else if (typeof v !== 'bigint' || v < 0n || v > 18446744073709551615n) {
    odd('an integer from 0 to 18446744073709551615', w, o, key, v, d)
  }
}

/** An object with known members. */
export function object(
  w: Walk,
  o: JsonObject | JsonList,
  key: string | number,
  v: Json,
  d: number,
  check: CheckMembers,
): void {
  if (isObject(v)) {
    w.keys[d] = key
    check(w, v, d + 1)
  } else odd('an object', w, o, key, v, d)
}

/** An object with arbitrary keys; without `check`, with arbitrary values, too. */
export function map<A>(
  w: Walk,
  o: JsonObject,
  key: string,
  v: Json,
  d: number,
  check?: CheckValue<A>,
  argument?: A,
): void {
  if (!isObject(v)) odd('an object', w, o, key, v, d)
  else if (check !== undefined) {
    w.keys[d] = key
    for (const name of Object.keys(v)) {
      // Unlike a member, an entry cannot be treated as absent.
      if (v[name] === null) report(w.problems, pathTo(w, name, d + 1), 'must not be null')
      else check(w, v, name, v[name] as Json, d + 1, argument as A)
    }
  }
}

export function list<A>(
  w: Walk,
  o: JsonObject,
  key: string,
  v: Json,
  d: number,
  check: CheckValue<A>,
  argument?: A,
): void {
  if (Array.isArray(v)) {
    w.keys[d] = key
    for (let i = 0; i < v.length; i++) check(w, v, i, v[i] as Json, d + 1, argument as A)
  } else odd('an array', w, o, key, v, d)
}

/** A list of strings, which is most of what a config holds. */
export function strings(w: Walk, o: JsonObject, key: string, v: Json, d: number): void {
  if (!Array.isArray(v)) {
    odd('an array', w, o, key, v, d)
    return
  }
  for (let i = 0; i < v.length; i++) {
    if (typeof v[i] === 'string') continue
    w.keys[d] = key
    expected('a string', w, i, v[i] as Json, d + 1)
  }
}

/** For lists that must not be empty; called besides `list` or `strings`. */
export function nonEmpty(w: Walk, key: string, v: Json, d: number): void {
  if (Array.isArray(v) && v.length === 0) report(w.problems, pathTo(w, key, d), 'must have at least one entry')
}

/** A member that has been checked but has no effect here. `purpose` says what it is for. */
export function ignore(w: Walk, o: JsonObject, key: string, d: number, purpose: string): void {
  w.ignored.push([o, key])
  report(w.warnings, pathTo(w, key, d), `ignored: it is ${purpose}`)
}

export function missing(w: Walk, key: string, d: number): void {
  report(w.problems, pathTo(w, key, d), 'is required')
}

/**
 * Renames members whose keys differ in case, and records unknown keys. `found` has the keys of the object, `members`
 * the names of all its possible members, separated by blanks.
 */
export function unknown(w: Walk, o: JsonObject, d: number, found: readonly string[], members: string): void {
  const names = members.split(' ')
  for (const key of found) {
    if (names.includes(key)) continue
    const lower = key.toLowerCase()
    const name = names.find((name) => name.toLowerCase() === lower)
    if (name === undefined || found.includes(name)) {
      w.unknown.push({ path: pathTo(w, key, d), key, names })
      w.ignored.push([o, key])
    } else {
      o[name] = o[key] as Json
      delete o[key]
      w.again = true
    }
  }
}

/** The same for objects that may have no other members. */
export function reportUnknown(w: Walk, o: JsonObject, d: number, found: readonly string[], members: string): void {
  const before = w.unknown.length
  unknown(w, o, d, found, members)
  for (const { path, names } of w.unknown.splice(before)) {
    report(w.problems, path, `is unknown here: must be ${names.join(' or ')}`)
  }
}

/** Reports an invalid string; an empty member is absent. */
function oddText(noun: string, w: Walk, o: JsonObject | JsonList, key: string | number, v: Json, d: number): void {
  if (v === '' && !Array.isArray(o)) drop(w, o, key)
  else odd(noun, w, o, key, v, d)
}

/** Reports an invalid value; a member that is null is absent. */
function odd(noun: string, w: Walk, o: JsonObject | JsonList, key: string | number, v: Json, d: number): void {
  if (v === null && !Array.isArray(o)) drop(w, o, key)
  else expected(noun, w, key, v, d)
}

function drop(w: Walk, o: JsonObject, key: string | number): void {
  delete o[key]
  w.again = true
}

function expected(noun: string, w: Walk, key: string | number, v: Json, d: number): void {
  if (typeof v === 'number' && Number.isInteger(v) && !Number.isSafeInteger(v)) w.inexact = true
  report(w.problems, pathTo(w, key, d), `must be ${noun}, not ${describe(v)}`)
}

function report(to: Problem[], path: string, message: string): void {
  to.push({ path, message })
}

function pathTo(w: Walk, key: string | number, d: number): string {
  let path = ''
  for (let i = 0; i < d; i++) path += formatKey(w.keys[i] as string | number, path)
  return path + formatKey(key, path)
}

/** The next part of a path, in the notation of the OCI documents: `.args`, `[3]`, `["com.example.key"]`. */
export function formatKey(key: string | number, before: string): string {
  if (typeof key === 'number') return `[${key}]`
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `[${JSON.stringify(key)}]`
  return before === '' ? key : `.${key}`
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describe(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
