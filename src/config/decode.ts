/**
 * Checks a document with the code that ajv compiled from spec-schemas/, which completes it in place: fills in defaults,
 * makes 64-bit integers bigint. Rules about several members are elsewhere.
 */

import type { ValidateFunction } from 'ajv'
import type { Problem } from '../errors.ts'
import type { Definition } from './definition.ts'
import { type Json, parseExact, parseRounded } from './json.ts'
import { readLikeGo, type Unknown } from './like-go.ts'
import { explain } from './schema-problems.ts'

/** A kind of document, from build/gen/: ajv's function, and the schema. */
export interface Form {
  readonly validate: ValidateFunction
  readonly definition: Definition
}

export interface Decoded {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly unknown: readonly Unknown[]
  /** Depends on an integer that a double cannot hold: parse the text exactly, and decode it again. */
  readonly isInexact: boolean
}

const NOTHING_FOUND: Decoded = { problems: [], warnings: [], unknown: [], isInexact: false }

/** Checks and completes `document`. If there are no problems, it has the type that goes with `form`. */
export function decode(document: Json, { validate, definition }: Form): Decoded {
  const unknown = readLikeGo(document, definition)
  if (validate(document)) return { ...NOTHING_FOUND, unknown }
  return { ...explain(document, definition, validate.errors ?? []), unknown }
}

/** Parses and decodes a text. What is valid as it is, which is the usual case, takes one call of ajv's code. */
export function decodeText(text: string, source: string, form: Form): { document: Json; decoded: Decoded } {
  let parse = parseRounded
  let document = parse(text, source)
  if (form.validate(document)) return { document, decoded: NOTHING_FOUND }
  if (form.validate.errors?.some(({ keyword }) => keyword === 'x-int64')) {
    parse = parseExact
    document = parse(text, source)
    if (form.validate(document)) return { document, decoded: NOTHING_FOUND }
  }
  // The calls have changed the document.
  document = parse(text, source)
  const decoded = decode(document, form)
  if (!decoded.isInexact || parse === parseExact) return { document, decoded }
  document = parseExact(text, source)
  return { document, decoded: decode(document, form) }
}
