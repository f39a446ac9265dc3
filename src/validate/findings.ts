// What `validate` prints: problems and warnings with their places in the file, in the order of the file.

import { printable } from '../cli/log.ts'
import { findPlaces, positionOf } from '../config/positions.ts'
import { formatProblem, type Problem } from '../errors.ts'

/** docs/validate.schema.json describes this. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
  readonly suggestion?: string
}

export interface Findings {
  readonly problems: readonly Finding[]
  readonly warnings: readonly Finding[]
}

interface Input {
  readonly file: string
  readonly text: string
}

/** Adds the places, and sorts. Of several findings that are alike the first one is kept. */
export function locate(problems: readonly Problem[], { file, text }: Input): Finding[] {
  if (problems.length === 0) return []
  const places = findPlaces(text)
  const seen = new Set<string>()
  return problems
    .filter((problem) => !seen.has(formatProblem(problem)) && seen.add(formatProblem(problem)))
    .map(({ path, message, suggestion, ofKey, position }) => {
      const { line, column } = position ?? positionOf(text, places, path, ofKey ? 'key' : 'value')
      return { file, line, column, path, message, ...(suggestion !== undefined && { suggestion }) }
    })
    .sort(byPosition)
}

const byPosition = (a: Finding, b: Finding): number => a.line - b.line || a.column - b.column

/** `FILE:LINE:COLUMN: path: reason`, which editors can jump to; `FILE: ok` if there is no problem. */
export function formatFindings({ problems, warnings }: Findings, file: string): string {
  const lines = [
    ...problems.map((finding) => ({ ...finding, word: '' })),
    ...warnings.map((finding) => ({ ...finding, word: 'warning: ' })),
  ]
    .sort(byPosition)
    .map((finding) => `${finding.file}:${finding.line}:${finding.column}: ${finding.word}${formatProblem(finding)}`)
  return lines.map((line) => `${printable(line)}\n`).join('') + (problems.length === 0 ? `${file}: ok\n` : '')
}
