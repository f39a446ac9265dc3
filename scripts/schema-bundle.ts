// Reads spec-schemas/ into one table of definitions, which types and validators are generated from.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../src/config/json.ts'

export interface Schema {
  readonly title?: string
  readonly description?: string
  readonly type?: string
  /** The name of a definition. */
  readonly $ref?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly items?: Schema
  readonly minItems?: number
  readonly properties?: Readonly<Record<string, Schema>>
  /** false beside `properties`: no other members are allowed. */
  readonly additionalProperties?: Schema | false
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly 'x-int64'?: boolean
  readonly 'x-expected'?: string
  readonly 'x-ignored'?: string
}

export interface Bundle {
  /** Every definition of every file, and the documents by their titles. */
  readonly definitions: Readonly<Record<string, Schema>>
  /** By the name of a document's file: its definitions, then the document itself. */
  readonly documents: ReadonlyMap<string, readonly string[]>
}

type File = Schema & {
  readonly $id?: string
  readonly $schema?: string
  readonly definitions?: Readonly<Record<string, Schema>>
}

export function loadSchemas(directory: string): Bundle {
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'))
  const files = new Map(
    names.map((name) => [name, parseJson(readFileSync(join(directory, name), 'utf8'), name) as unknown as File]),
  )
  const definitions: Record<string, Schema> = {}
  const documents = new Map<string, readonly string[]>()
  for (const [name, { $id, $schema, definitions: own = {}, ...document }] of files) {
    const named = document.title === undefined ? own : { ...own, [document.title]: document }
    for (const [key, schema] of Object.entries(named)) {
      if (definitions[key] !== undefined) throw new Error(`${name}: ${key} is defined twice`)
      definitions[key] = withNames(schema, name, files)
    }
    if (document.title !== undefined) documents.set(name, Object.keys(named))
  }
  return { definitions, documents }
}

/** With names of definitions instead of references to files. */
function withNames(schema: Schema, file: string, files: ReadonlyMap<string, File>): Schema {
  const { $ref } = schema
  const named = $ref === undefined ? schema : { ...schema, $ref: nameOf($ref, file, files) }
  return mapParts(named, (part) => withNames(part, file, files))
}

function nameOf(ref: string, file: string, files: ReadonlyMap<string, File>): string {
  const [path, pointer] = ref.split('#') as [string, string]
  const target = files.get(path === '' ? file : path)
  const name = pointer === '' ? target?.title : pointer.replace('/definitions/', '')
  if (name === undefined || (pointer !== '' && target?.definitions?.[name] === undefined)) {
    throw new Error(`${file}: no such schema: ${ref}`)
  }
  return name
}

export function mapValues<T, U>(object: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

/** With definitions that only one place refers to written there, without those in `kept`. */
export function inlineSingle(definitions: Bundle['definitions'], kept: readonly string[]): Record<string, Schema> {
  const uses = new Map<string, number>()
  const count = (schema: Schema): Schema => {
    if (schema.$ref !== undefined) uses.set(schema.$ref, (uses.get(schema.$ref) ?? 0) + 1)
    return mapParts(schema, count)
  }
  for (const schema of Object.values(definitions)) count(schema)
  const inline = (schema: Schema): Schema => {
    const { $ref, ...own } = schema
    if ($ref === undefined || kept.includes($ref) || uses.get($ref) !== 1) return mapParts(schema, inline)
    return { ...inline(definitions[$ref] as Schema), ...own }
  }
  return mapValues(definitions, inline)
}

function mapParts(schema: Schema, change: (part: Schema) => Schema): Schema {
  const { items, properties, additionalProperties } = schema
  return {
    ...schema,
    ...(items !== undefined && { items: change(items) }),
    ...(additionalProperties && { additionalProperties: change(additionalProperties) }),
    ...(properties !== undefined && { properties: mapValues(properties, change) }),
  }
}
