// Explains E2BIG from execve(2): names the string that is too long, or says that all of them together are.

import type { StepOf } from '../steps/launch-plan.ts'

/** MAX_ARG_STRLEN, including the NUL: 32 pages, which are 4 KiB almost everywhere. */
const STRING_LIMIT = 131072

type Executing = StepOf<'execve'> | StepOf<'run_hook'>

/** `process.env[3] (BIG, 10000000 bytes): execve: E2BIG (argument list too long); <what to do>`. */
export function describeTooBig(step: Executing): string {
  const property = step.op === 'execve' ? 'process' : step.from.replace(/ \(.*/s, '')
  const call = 'execve: E2BIG (argument list too long)'
  const { args = [], env = [] } = step
  for (const [name, list] of Object.entries({ args, env })) {
    const index = list.findIndex((text) => bytesOf(text) >= STRING_LIMIT)
    const text = list[index]
    if (text === undefined) continue
    const key = name === 'env' ? `${text.slice(0, Math.max(0, text.indexOf('=')))}, ` : ''
    const object = `${property}.${name}[${index}] (${key}${bytesOf(text)} bytes)`
    return `${object}: ${call}; one string may have ${STRING_LIMIT - 1} bytes`
  }
  const total = [...args, ...env].reduce((sum, text) => sum + bytesOf(text) + 1, 0)
  const object = `${property}.args and ${property}.env (${args.length + env.length} strings, ${total} bytes)`
  return `${object}: ${call}; together they may have a quarter of RLIMIT_STACK, and at most 6 MiB`
}

/** The length in UTF-8. */
function bytesOf(text: string): number {
  // ASCII is the usual case, and the expression is much faster than the loop: there may be megabytes.
  if (!/[^\0-\x7f]/.test(text)) return text.length
  let bytes = text.length
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point >= 0x80) bytes += point < 0x800 ? 1 : 2
  }
  return bytes
}
