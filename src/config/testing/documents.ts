// Generates documents for a schema: valid ones that contain a certain property, and mutations that make this property
// invalid or unusual. The tests compare the results of others; nothing here decides what is valid.

import fc from 'fast-check'
import { formatKey } from '../property-path.ts'
import {
  itemsOf,
  type Member,
  membersOf,
  type Place,
  pathTo,
  resolve,
  type Schema,
  type Schemas,
  valuesOf,
} from './schema.ts'

type Document = Record<string, unknown>

const samples = ['RLIMIT_CORE', '0-3, 7', '2MB', 'MB:0=20', 'c', 'CAP_CHOWN']
const LARGE = 2 ** 52

/** Valid documents with some of the optional members, and always those on the path `toward`. */
export function documents(schemas: Schemas, from: Place, toward = '', path = ''): fc.Arbitrary<unknown> {
  const { schema, file } = resolve(schemas, from)
  const inner = (schema: Schema, name: string) => documents(schemas, { schema, file }, toward, pathTo(path, name))
  const isWanted = (name: string) => isOnTheWay(pathTo(path, name), toward)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const { pattern } = schema
  if (pattern !== undefined) return fc.constantFrom(...samples.filter((sample) => new RegExp(pattern).test(sample)))
  if (schema.type === 'string') return fc.constantFrom('', 'a', '/x', 'ä☃')
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'integer') return integers(schema)
  if (schema.type === 'array') {
    const least = Math.max(schema.minItems ?? 0, isWanted('[]') ? 1 : 0)
    return fc.array(inner(itemsOf(schema) as Schema, '[]'), { minLength: least, maxLength: 2 })
  }
  const values = valuesOf(schema)
  if (values !== undefined) {
    const keys = fc.constantFrom('a', 'B.c', '__proto__')
    return fc.dictionary(keys, inner(values, '{}'), { minKeys: isWanted('{}') ? 1 : 0, maxKeys: 2 })
  }
  const members = membersOf(schemas, { schema, file })
  const needed = members.filter(({ name, required }) => required || isWanted(name))
  const optional = members.filter((member) => !needed.includes(member))
  return fc
    .subarray(optional, { maxLength: Math.min(optional.length, 4) })
    .chain((chosen) =>
      fc.record(
        Object.fromEntries(
          [...needed, ...chosen].map(({ name, place }) => [
            name,
            documents(schemas, place, toward, pathTo(path, name)),
          ]),
        ),
      ),
    )
}

function isOnTheWay(path: string, toward: string): boolean {
  return toward.startsWith(path) && /^$|^[.[{]/.test(toward.slice(path.length))
}

function integers({ minimum = -(2 ** 40), maximum = 2 ** 40 }: Schema): fc.Arbitrary<number> {
  const [low, high] = [Math.max(minimum, -LARGE), Math.min(maximum, LARGE)]
  return fc.constantFrom(low, high, Math.max(low, 0), Math.max(low, 1))
}

export interface Mutation {
  readonly kind: string
  /** The new value; undefined removes the member. */
  readonly value: (old: unknown) => unknown
}

/** One value of each JSON type; a fraction counts as a type, for integers. */
const ofType: Readonly<Record<string, unknown>> = {
  string: 'x',
  boolean: true,
  integer: 1,
  number: 1.5,
  array: [],
  object: {},
  list: [null],
}

/**
 * Mutations that surely make a document invalid: other types, values just out of range, unknown names, missing members.
 */
export function faultsOf({ place: { schema }, required }: Member): readonly Mutation[] {
  const found: Mutation[] = required ? [{ kind: 'removed', value: () => undefined }] : []
  for (const [type, value] of Object.entries(ofType)) {
    if (type === schema.type || (type === 'list' && schema.type === 'array')) continue
    found.push({ kind: `${type} for ${schema.type}`, value: () => value })
  }
  const { minimum, maximum, pattern } = schema
  if (minimum !== undefined) found.push({ kind: 'too low', value: () => beyond(minimum, -1) })
  if (maximum !== undefined) found.push({ kind: 'too high', value: () => beyond(maximum, 1) })
  if (schema.enum !== undefined) found.push({ kind: 'near miss', value: (old) => `${textOf(old)}x` })
  if (pattern !== undefined) found.push({ kind: 'no match', value: (old) => `!${textOf(old)}` })
  return found
}

/** Faults, and mutations that may be valid: the ends of a range, other spellings, empty values, excess entries. */
export function mutationsOf(member: Member): readonly Mutation[] {
  const { schema } = member.place
  const found: Mutation[] = [...faultsOf(member), { kind: 'null', value: () => null }]
  const isMember = member.name !== '[]' && member.name !== '{}'
  if (isMember && !member.required) found.push({ kind: 'removed', value: () => undefined })
  if (schema.type === 'integer') found.push(...ends(schema))
  else if (schema.type === 'string') found.push(...spellings(schema))
  else if (schema.type === 'array') found.push(...listMutations)
  else if (schema.type === 'object') found.push(...objectMutations)
  return found
}

/** A double surely beyond a limit of 53 bits and more, because ajv sees doubles. */
const beyond = (limit: number, by: number): unknown =>
  Number.isSafeInteger(limit) ? limit + by : BigInt(limit) * 2n + BigInt(by)

function ends({ minimum, maximum }: Schema): Mutation[] {
  const found: Mutation[] = []
  if (minimum !== undefined) {
    found.push({ kind: 'lowest', value: () => (Number.isSafeInteger(minimum) ? minimum : BigInt(minimum)) })
  }
  if (maximum !== undefined) {
    // As a double, the highest 64-bit integer is rounded up beyond the limit.
    found.push({ kind: 'highest', value: () => (Number.isSafeInteger(maximum) ? maximum : BigInt(maximum) - 1n) })
  }
  return found
}

function spellings(schema: Schema): Mutation[] {
  const text = (edit: (old: string) => string) => (old: unknown) => edit(textOf(old))
  const emptied: Mutation = { kind: 'emptied', value: () => '' }
  if (schema.enum === undefined && schema.pattern === undefined) return [emptied]
  return [
    emptied,
    { kind: 'longer', value: text((old) => `${old}x`) },
    { kind: 'cut short', value: text((old) => old.slice(0, -1)) },
    { kind: 'lower case', value: text((old) => old.toLowerCase()) },
    { kind: 'upper case', value: text((old) => old.toUpperCase()) },
    { kind: 'with a blank', value: text((old) => ` ${old}`) },
  ]
}

/** An earlier mutation may have replaced the text or list. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : 'x')

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

const listMutations: readonly Mutation[] = [
  { kind: 'emptied', value: () => [] },
  { kind: 'with null', value: (old) => [...listOf(old), null] },
  { kind: 'twice the same', value: (old) => [...listOf(old), ...listOf(old)] },
  { kind: 'a list in a list', value: (old) => [old] },
]

const objectMutations: readonly Mutation[] = [
  { kind: 'emptied', value: () => ({}) },
  { kind: 'with a stranger', value: (old) => ({ ...(old as Document), stranger: { any: [1] } }) },
  { kind: 'keys in other case', value: (old) => withKeys(old, (key) => key.toUpperCase()) },
  { kind: 'keys misspelt', value: (old) => withKeys(old, (key) => `${key}s`) },
]

const withKeys = (object: unknown, edit: (key: string) => string): Document =>
  Object.fromEntries(Object.entries(object ?? {}).map(([key, value]) => [edit(key), value]))

interface Spot {
  readonly parent: Document
  readonly key: string | number
  /** Its path in messages. */
  readonly shown: string
}

/** The first place of a document that matches a path. */
export function spotOf(document: unknown, path: string): Spot | undefined {
  let spot: Spot | undefined
  let at: unknown = document
  for (const step of path.match(/\[\]|\{\}|[^.[{]+/g) ?? []) {
    if (typeof at !== 'object' || at === null) return undefined
    const parent = at as Document
    const key = step === '[]' ? 0 : step === '{}' ? (Object.keys(parent)[0] ?? '') : step
    if (!Object.hasOwn(parent, key)) return undefined
    const before: string = spot?.shown ?? ''
    spot = { parent, key, shown: before + formatKey(key, before) }
    at = parent[key]
  }
  return spot
}

/** Applies the mutation to that place. Returns its path in messages; undefined: there is no such place. */
export function mutate(document: unknown, path: string, { value }: Mutation): string | undefined {
  const spot = spotOf(document, path)
  if (spot === undefined) return undefined
  const { parent, key, shown } = spot
  const changed = value(parent[key])
  if (changed === undefined) delete parent[key]
  else Object.defineProperty(parent, key, { value: changed, enumerable: true, configurable: true, writable: true })
  return shown
}

/** Which properties of a document are changed, and how: numbers, so that fast-check can shrink them. */
export type Changes = readonly (readonly [where: number, what: number])[]

/** No changes, half of the time, or up to three. */
export const changes: fc.Arbitrary<Changes> = fc.oneof(
  fc.constant([]),
  fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 3 }),
)

/** A copy of the document with the changes, one after another. */
export function changed(document: unknown, members: ReadonlyMap<string, Member>, picks: Changes): unknown {
  const copy = structuredClone(document)
  for (const [where, what] of picks) {
    const present = [...members].filter(([path]) => spotOf(copy, path) !== undefined)
    const [path, member] = present[where % Math.max(present.length, 1)] ?? []
    if (path === undefined || member === undefined) continue
    const all = mutationsOf(member)
    mutate(copy, path, all[what % all.length] as Mutation)
  }
  return copy
}
