// The values of flags: which words a flag accepts, with Go's spellings of booleans.

import type { Flag } from './command-table.ts'

export type Value = string | boolean | number | readonly string[] | undefined

/** The value of a flag that is not given. */
export function absentValue(flag: Flag): Value {
  if (flag.type === 'boolean') return false
  if (flag.type === 'strings') return []
  return flag.type === 'number' ? Number(flag.default ?? 0) : flag.default
}

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

/** undefined: not a value of this flag. */
export function readValue(flag: Flag, text: string, before: Value): Value {
  switch (flag.type) {
    case 'boolean':
      return TRUE.includes(text) ? true : FALSE.includes(text) ? false : undefined
    case 'number':
      return /^\d{1,9}$/.test(text) ? Number(text) : undefined
    case 'strings':
      return [...(before as readonly string[]), text]
    default:
      return flag.choices === undefined ? text : choiceOf(flag, flag.choices, text)
  }
}

/** `true` and `false` in all spellings of a boolean; an empty word means the default. */
function choiceOf(flag: Flag, choices: readonly string[], text: string): string | undefined {
  if (text === '') return flag.default
  const word = TRUE.includes(text) ? 'true' : FALSE.includes(text) ? 'false' : text
  return choices.includes(word) ? word : undefined
}

export function invalidValue(flag: Flag, typed: string, text: string): string {
  const expected = flag.choices?.join(', ') ?? (flag.type === 'boolean' ? 'true or false' : 'a number')
  return `invalid value "${text}" for flag ${typed}: expected ${expected}`
}
