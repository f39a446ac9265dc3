/**
 * The schemas at run time, for what ajv's code does not do: build/gen/definitions.js, generated from spec-schemas/. Only
 * read for documents with something unusual.
 */

export interface Definition {
  readonly type: string
  /** Ends `must be …`. */
  readonly expected: string
  /** The valid ones, if they are listed. */
  readonly values?: readonly string[]
  /** The schema of the entries of a list or a map. */
  readonly entries?: Definition
  /** Without a prototype: a document may have any key. */
  readonly members?: Readonly<Record<string, Definition>>
  /** No members but these are allowed. */
  readonly isClosed?: boolean
  /** What a member without effect is for. */
  readonly ignored?: string
}

/** The schema of a member or an entry; undefined: any value is allowed. */
export function definitionAt({ members, entries }: Definition, key: string): Definition | undefined {
  return members === undefined ? entries : members[key]
}
