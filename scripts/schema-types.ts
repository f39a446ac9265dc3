// Writes the TypeScript types of a document. `default` and `required` make a member present in the type.

import type { Bundle, Schema } from './schema-bundle.ts'

interface Types {
  readonly definitions: Bundle['definitions']
  readonly declared: Map<string, string>
}

/** The types of these definitions, and of those that they refer to. */
export function typesOf({ definitions }: Bundle, names: readonly string[]): string {
  const types: Types = { definitions, declared: new Map() }
  for (const name of names) typeOf({ $ref: name }, types)
  return [...types.declared.values()].join('\n')
}

/** The type as written at its place of use; adds the declarations it needs. */
function typeOf(schema: Schema, types: Types): string {
  const name = schema.$ref
  if (name === undefined) return anonymousType(schema, types)
  const target = types.definitions[name] as Schema
  if (!isNamed(name, target)) return anonymousType(target, types)
  const { declared } = types
  if (!declared.has(name)) {
    declared.set(name, '')
    const text = target.properties === undefined ? aliasOf(name, target, types) : interfaceOf(name, target, types)
    // Add it again, so that the types it needs precede it.
    declared.delete(name)
    declared.set(name, text)
  }
  return name
}

/** Objects and enumerations of the definitions become named types; all others are written inline. */
function isNamed(name: string, schema: Schema): boolean {
  return schema.properties !== undefined || schema.enum !== undefined || name === 'StringMap'
}

function anonymousType(schema: Schema, types: Types): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `'${value}'`).join(' | ')
  if (schema.type === 'integer') return schema['x-int64'] ? 'bigint' : 'number'
  if (schema.type === 'array') {
    const items = typeOf(schema.items as Schema, types)
    return `readonly ${items.includes('|') ? `(${items})` : items}[]`
  }
  if (schema.type !== 'object') return schema.type as string
  if (!schema.additionalProperties) return '{ readonly [key: string]: unknown }'
  return `{ readonly [key: string]: ${typeOf(schema.additionalProperties, types)} }`
}

function aliasOf(name: string, schema: Schema, types: Types): string {
  return `/** ${schema.description} */\nexport type ${name} = ${anonymousType(schema, types)}\n`
}

function interfaceOf(name: string, schema: Schema, types: Types): string {
  const lines = [`/** ${schema.description} */`, `export interface ${name} {`]
  for (const [member, inner] of Object.entries(schema.properties ?? {})) {
    if (inner['x-ignored'] !== undefined) continue
    const present = inner.default !== undefined || schema.required?.includes(member)
    lines.push(`  /** ${inner.description} */`)
    lines.push(`  readonly ${member}${present ? '' : '?'}: ${typeOf(inner, types)}`)
  }
  return `${lines.join('\n')}\n}\n`
}
