/**
 * Where the values of a JSON text are: for messages about a document that has been parsed without an error. A pass of
 * its own, because documents without problems need no positions.
 */

import { isEscaped, type Position, positionAt } from './json.ts'
import { formatKey } from './property-path.ts'

/** Offsets in the text. */
export interface Place {
  /** The key; of an entry of a list and of the document its value. */
  readonly key: number
  readonly value: number
}

export interface Places {
  /** By path, in the notation of the OCI documents; '' is the document. Of equal keys the last one counts. */
  readonly byPath: ReadonlyMap<string, Place>
  /** Keys that occur twice in an object. */
  readonly duplicates: readonly { readonly path: string; readonly key: string; readonly at: number }[]
}

interface Walk {
  readonly text: string
  readonly byPath: Map<string, Place>
  readonly duplicates: { path: string; key: string; at: number }[]
  at: number
}

/** The places of a valid JSON text. */
export function findPlaces(text: string): Places {
  const walk: Walk = { text, byPath: new Map(), duplicates: [], at: 0 }
  walkValue(walk, '', undefined)
  return walk
}

/** The position of a value, or of its key. Of a value that is missing: that of the object where it is missing. */
export function positionOf(text: string, { byPath }: Places, path: string, of: 'key' | 'value'): Position {
  for (let rest = path; ; rest = parentOf(rest)) {
    const place = byPath.get(rest) ?? (rest === path ? inAnyCase(byPath, rest) : undefined)
    if (place !== undefined) return positionAt(text, rest === path ? place[of] : place.value)
    if (rest === '') return { line: 1, column: 1 }
  }
}

/** Like Go, the parser accepts keys in any case. */
function inAnyCase(byPath: ReadonlyMap<string, Place>, path: string): Place | undefined {
  const lower = path.toLowerCase()
  for (const [candidate, place] of byPath) if (candidate.toLowerCase() === lower) return place
  return undefined
}

/** Without its last part: `.args`, `[3]` or `["key"]`. */
const parentOf = (path: string): string => path.replace(/(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\]|\.?[^.[\]]*)$/, '')

function walkValue(w: Walk, path: string, key: number | undefined): void {
  skipSpace(w)
  w.byPath.set(path, { key: key ?? w.at, value: w.at })
  const first = w.text[w.at]
  if (first === '{') walkObject(w, path)
  else if (first === '[') walkList(w, path)
  else if (first === '"') skipString(w)
  else while (w.at < w.text.length && !/[\s,\]}]/.test(w.text.charAt(w.at))) w.at++
}

function walkObject(w: Walk, path: string): void {
  const seen = new Set<string>()
  for (w.at++; ; w.at++) {
    skipSpace(w)
    if (w.text[w.at] === '}') break
    const at = w.at
    skipString(w)
    const key = JSON.parse(w.text.slice(at, w.at)) as string
    const member = path + formatKey(key, path)
    if (seen.has(key)) w.duplicates.push({ path: member, key, at })
    seen.add(key)
    skipSpace(w)
    w.at++
    walkValue(w, member, at)
    skipSpace(w)
    if (w.text[w.at] !== ',') break
  }
  w.at++
}

function walkList(w: Walk, path: string): void {
  w.at++
  for (let i = 0; ; i++, w.at++) {
    skipSpace(w)
    if (w.text[w.at] === ']') break
    walkValue(w, path + formatKey(i, path), undefined)
    skipSpace(w)
    if (w.text[w.at] !== ',') break
  }
  w.at++
}

function skipString(w: Walk): void {
  let end = w.at
  do end = w.text.indexOf('"', end + 1)
  while (end >= 0 && isEscaped(w.text, end))
  w.at = end < 0 ? w.text.length : end + 1
}

function skipSpace(w: Walk): void {
  while (/\s/.test(w.text.charAt(w.at))) w.at++
}
