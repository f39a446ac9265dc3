/*
 * The parts of a runtime's output that engines use: the form of its JSON, and the words in errors that they match as text (../shared/field.md
 * 5.2). For an engine, two runtimes that agree in these are equivalent.
 */

/** Words, and how engines classify them. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/does not exist/, 'unknown container'],
  [/container not running|no such process|os: process already finished/, 'gone'],
  [/permission denied|operation not permitted|is a directory/i, '126'],
  [/executable file not found|no such file or directory|not a directory/i, '127'],
]

export const meaningOf = (message: string): readonly string[] =>
  meanings.filter(([words]) => words.test(message)).map(([, meaning]) => meaning)

/** Reduces JSON to its keys and the types of its values. */
function shapeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].join(' | ')}]`
  if (typeof value !== 'object') return typeof value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${key}: ${shapeOf(member)}`).join(', ')}}`
}

const has = (value: unknown, ...keys: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && keys.every((key) => key in value)

/**
 * Standard output unchanged, or the kind of document. Documents that grow with the kernel and with versions only have
 * names.
 */
export function outputShape(text: string): string {
  // The parts of --version that dockerd and go-runc read.
  if (/^\S+ version \S+\n(.*\n)*/.test(text) && /^(commit|spec): /m.test(text)) return 'version'
  if (!/^[[{]|^null/.test(text)) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  if (has(value, 'ociVersionMin', 'ociVersionMax', 'mountOptions', 'hooks', 'linux')) return 'features'
  if (has(value, 'type', 'id', 'data') && has((value as { data: unknown }).data, 'cpu', 'memory', 'pids', 'blkio'))
    return 'statistics'
  return shapeOf(value)
}

interface Line {
  readonly level?: string
  readonly msg?: string
}

/** The error lines of a log in JSON. */
export const errorLines = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ level }) => level === 'error')
    .map(({ msg }) => msg ?? '')
