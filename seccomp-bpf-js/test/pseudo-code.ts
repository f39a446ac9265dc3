/*
 * Evaluates libseccomp's pseudo filter code (seccomp_export_pfc): what libseccomp itself says its rules mean, before it
 * turns them into instructions. The differential tests ask it where libseccomp's instructions say something else.
 */
import type { SyscallRecord } from '../src/simulate.ts'

interface Line {
  readonly indent: number
  readonly text: string
}

const parse = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map((line) => ({ indent: line.length - line.trimStart().length, text: line.trim().replace(/ # .*/, '') }))

/** The lines below line `i`. */
const block = (lines: readonly Line[], i: number): Line[] => {
  const { indent } = lines[i] as Line
  let end = i + 1
  while (end < lines.length && (lines[end] as Line).indent > indent) end++
  return lines.slice(i + 1, end)
}

const operand = (name: string, record: SyscallRecord): bigint => {
  if (name === '$arch') return BigInt(record.arch)
  if (name === '$syscall') return BigInt(record.number)
  const [, index, word] = /^\$a(\d)(?:\.(hi|lo)32)?$/.exec(name) as unknown as [string, string, string?]
  const value = BigInt.asUintN(64, BigInt(record.args[Number(index)] ?? 0))
  return word === 'hi' ? value >> 32n : value & 0xffffffffn
}

const holds = (condition: string, record: SyscallRecord): boolean => {
  const [name = '', operator, value, , masked] = condition.split(' ')
  const actual = operand(name, record)
  switch (operator) {
    case '==':
      return actual === BigInt(value as string)
    case '>':
      return actual > BigInt(value as string)
    case '>=':
      return actual >= BigInt(value as string)
    default:
      return (actual & BigInt(value as string)) === BigInt(masked as string)
  }
}

/** The action a block comes to, undefined when it falls through. */
const run = (lines: readonly Line[], record: SyscallRecord): string | undefined => {
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] as Line
    const yes = block(lines, i)
    if (!line.text.startsWith('if')) return line.text
    const after = i + 1 + yes.length
    const otherwise = lines[after]?.text === 'else' && lines[after]?.indent === line.indent
    const no = otherwise ? block(lines, after) : []
    const result = run(holds(line.text.slice(4, -1), record) ? yes : no, record)
    if (result !== undefined) return result
    i = after + (otherwise ? 1 + no.length : 0)
  }
  return undefined
}

const ACTIONS: Readonly<Record<string, number>> = {
  KILL_PROCESS: 0x80000000,
  KILL: 0,
  TRAP: 0x00030000,
  ERRNO: 0x00050000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
}

/** The action for a call that has rules; undefined when none of them applies. */
export const evaluatePseudoCode = (text: string, record: SyscallRecord): number | undefined => {
  const lines = parse(text)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line
    if (line.text !== `if ($arch == ${record.arch})`) continue
    // Two blocks when x86_64 and x32 are both there; the one that has the number decides.
    const calls = block(lines, i)
    const at = calls.findIndex(({ text }) => text === `if ($syscall == ${record.number})`)
    const result = at < 0 ? undefined : run(block(calls, at), record)
    const [, name = '', data = '0'] = /action (\w+)(?:\((\d+)\))?;/.exec(result ?? '') ?? []
    if (result !== undefined) return (ACTIONS[name] as number) + Number(data)
  }
  return undefined
}
