/**
 * Words for the errors of ajv's code: the path in the notation of the OCI documents, and what the schema expects there.
 * That code only gives a JSON pointer and the keyword.
 */

import type { ErrorObject } from 'ajv'
import type { Problem } from '../errors.ts'
import { suggest } from '../suggest.ts'
import { type Definition, definitionAt } from './definition.ts'
import type { Json, JsonObject } from './json.ts'
import { formatKey } from './property-path.ts'
import { quote } from './rule.ts'

export interface Findings {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** A value is an integer that has been rounded. */
  readonly isInexact: boolean
}

/** A place in the document. */
interface Place {
  readonly path: string
  readonly value: Json
  readonly definition: Definition
  readonly parent: Json
  readonly key: string
}

/** Members without effect are warnings, all others are problems; these and unknown ones are removed for the rules. */
export function explain(document: Json, definition: Definition, errors: readonly ErrorObject[]): Findings {
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const useless: (readonly [Json, string])[] = []
  let isInexact = false
  for (const error of errors) {
    const place = placeOf(document, definition, error.instancePath)
    if (error.keyword === 'additionalProperties') useless.push([place.value, error.params.additionalProperty])
    if (error.keyword === 'x-ignored') {
      warnings.push({ path: place.path, message: `ignored: it is ${place.definition.ignored}` })
      useless.push([place.parent, place.key])
      continue
    }
    isInexact ||= isRounded(place.value)
    const problem = problemOf(error, place)
    const last = problems.at(-1)
    // A value can fail several keywords that have the same words.
    if (last?.path !== problem.path || last.message !== problem.message) problems.push(problem)
  }
  for (const [parent, key] of useless) delete (parent as JsonObject)[key]
  return { problems, warnings, isInexact }
}

function placeOf(document: Json, root: Definition, pointer: string): Place {
  let place: Place = { path: '', value: document, definition: root, parent: null, key: '' }
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const { value: parent, path, definition } = place
    place = {
      path: path + formatKey(Array.isArray(parent) ? Number(key) : key, path),
      value: (parent as JsonObject)[key] as Json,
      definition: definitionAt(definition, key) as Definition,
      parent,
      key,
    }
  }
  return place
}

function problemOf({ keyword, params }: ErrorObject, { path, value, definition, parent, key }: Place): Problem {
  const member = (key: string): string => path + formatKey(key, path)
  if (keyword === 'required') return { path: member(params.missingProperty), message: 'is required' }
  if (keyword === 'additionalProperties') {
    const names = Object.keys(definition.members ?? {}).join(' or ')
    return { path: member(params.additionalProperty), message: `is unknown here: must be ${names}` }
  }
  if (keyword === 'minItems') return { path, message: 'must have at least one entry' }
  if (value === null && path !== '' && !Array.isArray(parent)) return { path, message: 'must not be null' }
  const suggestion = typeof value === 'string' ? suggest(value, definition.values ?? []) : undefined
  const isName = typeof value === 'string' && (key === 'uid' || key === 'gid')
  const way = isName ? ' (names are not looked up: see /etc/passwd of the image)' : ''
  const message = `must be ${definition.expected}${way}, not ${describe(value)}`
  return { path, message, ...(suggestion !== undefined && { suggestion }) }
}

function isRounded(value: Json): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
}

function describe(value: Json): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
