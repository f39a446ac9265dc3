/**
 * Makes of a document what Go's decoder, hence runc, reads: members that are null or an empty string are absent, and the
 * case of keys does not matter. Removes unknown members: "Runtimes MAY log unknown properties but MUST otherwise ignore
 * them."
 */

import { type Definition, definitionAt } from './definition.ts'
import type { Json, JsonList, JsonObject } from './json.ts'
import { formatPath } from './property-path.ts'

export interface Unknown {
  readonly path: string
  readonly key: string
  /** The names of the members at that place. */
  readonly names: readonly string[]
}

/** The unknown members so far, and the keys from the root to the present object. */
interface Walk {
  readonly unknown: Unknown[]
  readonly keys: (string | number)[]
}

/** Changes `document` in place. Returns what it has removed. */
export function readLikeGo(document: Json, definition: Definition): readonly Unknown[] {
  const walk: Walk = { unknown: [], keys: [] }
  readInside(walk, document, definition)
  return walk.unknown
}

function readInside(walk: Walk, value: Json, definition: Definition): void {
  if (Array.isArray(value)) {
    if (definition.type === 'array') readEntries(walk, value, definition)
  } else if (typeof value === 'object' && value !== null && definition.type === 'object') {
    readMembers(walk, value, definition)
  }
}

function readEntries(walk: Walk, list: JsonList, { entries }: Definition): void {
  for (let i = 0; i < list.length; i++) {
    const value = list[i] as Json
    if (typeof value !== 'object' || entries === undefined) continue
    walk.keys.push(i)
    readInside(walk, value, entries)
    walk.keys.pop()
  }
}

function readMembers(walk: Walk, object: JsonObject, definition: Definition): void {
  const { members, entries } = definition
  const others: string[] = []
  for (const key of Object.keys(object)) {
    const value = object[key]
    const inner = members === undefined ? entries : members[key]
    if (inner === undefined) others.push(key)
    else if (typeof value === 'object' || value === '') readMember(walk, object, key, definition)
  }
  if (members !== undefined && others.length > 0) readOthers(walk, object, definition, others)
}

/** Reads a member or an entry of a map, which, unlike a member, cannot be absent. */
function readMember(walk: Walk, object: JsonObject, key: string, definition: Definition): void {
  const value = object[key] as Json
  const inner = definitionAt(definition, key) as Definition
  if (definition.members !== undefined && (value === null || (value === '' && inner.type === 'string'))) {
    delete object[key]
    return
  }
  walk.keys.push(key)
  readInside(walk, value, inner)
  walk.keys.pop()
}

/** Renames keys that differ from a name in case only; the last one counts. Removes all others. */
function readOthers(walk: Walk, object: JsonObject, definition: Definition, others: readonly string[]): void {
  const names = Object.keys(definition.members ?? {})
  const present = Object.keys(object)
  const renamed = new Set<string>()
  for (const key of others) {
    const lower = key.toLowerCase()
    const name = names.find((name) => name.toLowerCase() === lower)
    if (name !== undefined && !present.includes(name)) {
      object[name] = object[key] as Json
      renamed.add(name)
    } else {
      // Where no others are allowed, they are a problem.
      if (definition.isClosed) continue
      walk.unknown.push({ path: formatPath([...walk.keys, key]), key, names })
    }
    delete object[key]
  }
  for (const name of renamed) readMember(walk, object, name, definition)
}
