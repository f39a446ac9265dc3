// Writes the schemas as constants that refer to each other, with what they expect in words, and without what only ajv
// and the types need.

import type { Bundle, Schema } from './schema-bundle.ts'

export function definitionsOf({ definitions }: Bundle): string {
  const written = new Map<string, string>()
  const write = (name: string): string => {
    if (!written.has(name)) {
      const value = expression(definitions[name] as Schema, write)
      // Only now, so that what it refers to precedes it.
      written.set(name, `export const ${name} = ${value}\n`)
    }
    return name
  }
  for (const name of Object.keys(definitions)) write(name)
  return [...written.values()].join('')
}

/** `write` writes the definition that a schema refers to, and returns the name of its constant. */
function expression(schema: Schema, write: (name: string) => string): string {
  const { $ref, type, items, properties, additionalProperties: others } = schema
  const inner = (part: Schema): string => expression(part, write)
  const ignored = schema['x-ignored'] === undefined ? [] : [`ignored: ${JSON.stringify(schema['x-ignored'])}`]
  if ($ref !== undefined) return ignored.length === 0 ? write($ref) : `{ ...${write($ref)}, ${ignored} }`
  const parts = [`type: ${JSON.stringify(type)}`, `expected: ${JSON.stringify(nounOf(schema))}`, ...ignored]
  if (schema.enum !== undefined) parts.push(`values: ${JSON.stringify(schema.enum)}`)
  if (items !== undefined) parts.push(`entries: ${inner(items)}`)
  if (others) parts.push(`entries: ${inner(others)}`)
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, member]) => `${name}: ${inner(member)}`)
    parts.push(`members: { __proto__: null, ${members.join(', ')} }`, `isClosed: ${others === false}`)
  }
  return `{ ${parts.join(', ')} }`
}

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
}

function nounOf({ type, enum: values, minimum, maximum, 'x-expected': noun }: Schema): string {
  if (values !== undefined) return `one of ${values.join(', ')}`
  if (type === 'integer') return `an integer from ${minimum} to ${maximum}`
  return noun ?? (nouns[type as string] as string)
}
