// JSON Schemas for tests, ours and the official ones: loads files, follows references, and finds every property by its
// path in the notation of coverage.ts (`mounts[].options[]`, `linux.sysctl{}`). ajv does the checks.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly items?: Schema | readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | false
  readonly required?: readonly string[]
}

export type Schemas = ReadonlyMap<string, Schema>

/** A schema after following its references, and the file that its own references are relative to. */
export interface Place {
  readonly schema: Schema
  readonly file: string
}

/**
 * A place one level below: a member (`name`, required or not), the entries of a list (`[]`), or the values of a map
 * (`{}`).
 */
export interface Member {
  readonly name: string
  readonly place: Place
  readonly required: boolean
}

/** The directory of the official schemas and fixtures. */
export const OFFICIAL = '../shared/oci'
export const noOfficial: string | false = existsSync(OFFICIAL) ? false : `no official schemas in ${OFFICIAL}`

/**
 * By file name; without the dialect, because ajv does not know draft-04 and the official files use nothing specific to
 * it.
 */
export function loadSchemas(directory: string): Schemas {
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : []
  return new Map(
    names.map((name) => {
      // One reference of the official schemas lacks its slash.
      const text = readFileSync(join(directory, name), 'utf8').replaceAll('"#definitions/', '"#/definitions/')
      const { $schema, ...schema } = JSON.parse(text)
      return [name, schema as Schema]
    }),
  )
}

export const rootOf = (name: string): Place => ({ schema: { $ref: `${name}#` }, file: name })

/** Follows references; merges the allOf of the official schemas, and their anyOf, which have one branch each. */
export function resolve(schemas: Schemas, { schema, file }: Place): Place {
  if (schema.anyOf !== undefined) return resolve(schemas, { schema: schema.anyOf[0] as Schema, file })
  if (schema.allOf !== undefined) {
    const parts = schema.allOf.map((part) => resolve(schemas, { schema: part, file }).schema)
    const properties = Object.assign({}, ...parts.map((part) => part.properties))
    return { file, schema: { type: 'object', properties, required: parts.flatMap((part) => part.required ?? []) } }
  }
  if (schema.$ref === undefined) return { schema, file }
  const [path, pointer] = schema.$ref.split('#') as [string, string]
  const target = path === '' ? file : path
  let found: unknown = schemas.get(target)
  for (const step of pointer.split('/').filter((step) => step !== '')) found = (found as Record<string, unknown>)[step]
  return resolve(schemas, { schema: found as Schema, file: target })
}

export const itemsOf = ({ items }: Schema): Schema | undefined =>
  Array.isArray(items) ? (items[0] as Schema) : (items as Schema | undefined)

export const valuesOf = ({ additionalProperties, patternProperties }: Schema): Schema | undefined =>
  additionalProperties || Object.values(patternProperties ?? {})[0]

export function membersOf(schemas: Schemas, from: Place): Member[] {
  const { schema, file } = resolve(schemas, from)
  const at = (inner: Schema): Place => resolve(schemas, { schema: inner, file })
  const members: Member[] = Object.entries(schema.properties ?? {}).map(([name, inner]) => ({
    name,
    place: at(inner),
    required: schema.required?.includes(name) === true,
  }))
  const [items, values] = [itemsOf(schema), valuesOf(schema)]
  if (items !== undefined) members.push({ name: '[]', place: at(items), required: false })
  if (values !== undefined) members.push({ name: '{}', place: at(values), required: false })
  return members
}

export const pathTo = (path: string, name: string): string =>
  path === '' || name === '[]' || name === '{}' ? path + name : `${path}.${name}`

/** Every property that a document may have, by its path. */
export function membersByPath(schemas: Schemas, name: string): Map<string, Member> {
  const found = new Map<string, Member>()
  const visit = (from: Place, path: string): void => {
    for (const member of membersOf(schemas, from)) {
      const at = pathTo(path, member.name)
      found.set(at, member)
      visit(member.place, at)
    }
  }
  visit(rootOf(name), '')
  return found
}
