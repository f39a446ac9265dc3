/**
 * Parsers for the formats of cgroup files: one number, lines of a key and a number, lists such as `0-3,7`, pressure
 * (kernel Documentation/accounting/psi.rst). Ignores what it does not recognize: a new kernel may add lines.
 */

import type { Pressure, PressureLine } from './shape.ts'

/** Reads a file; undefined if it does not exist. */
export type Read = (path: string) => string | undefined

export const UNLIMITED = 0xffff_ffff_ffff_ffffn

/** A number, or `max`. */
export function parseNumber(text: string | undefined): bigint | undefined {
  const trimmed = text?.trim()
  if (trimmed === 'max') return UNLIMITED
  return trimmed !== undefined && /^-?[0-9]+$/.test(trimmed) ? BigInt(trimmed) : undefined
}

/** Lines `key number`. */
export function parseCounters(text: string | undefined): Map<string, bigint> {
  const counters = new Map<string, bigint>()
  for (const line of (text ?? '').split('\n')) {
    const blank = line.indexOf(' ')
    const value = blank < 0 ? undefined : parseNumber(line.slice(blank + 1))
    if (value !== undefined) counters.set(line.slice(0, blank), value)
  }
  return counters
}

/** Numbers separated by blanks. */
export function parseNumbers(text: string | undefined): bigint[] {
  return (text ?? '').split(/\s+/).flatMap((word) => parseNumber(word) ?? [])
}

/** A list of CPUs or memory nodes, `0-3,7`, as its members (cpuset(7), List format). */
export function parseList(text: string | undefined): number[] {
  const members: number[] = []
  for (const range of (text ?? '').trim().split(',')) {
    const [first, last] = range.split('-').map((number) => Number.parseInt(number, 10))
    if (first === undefined || Number.isNaN(first)) continue
    for (let member = first; member <= Math.min(last ?? first, 65535); member++) members.push(member)
  }
  return members
}

/** Parses a `*.pressure` file; undefined if the kernel has none. */
export function parsePressure(text: string | undefined): Pressure | undefined {
  if (text === undefined || text === '') return undefined
  const pressure: Pressure = { some: noPressure(), full: noPressure() }
  for (const line of text.split('\n')) {
    const [kind, ...fields] = line.split(' ')
    if (kind === 'some' || kind === 'full') pressure[kind] = parsePressureLine(fields)
  }
  return pressure
}

function parsePressureLine(fields: readonly string[]): PressureLine {
  const line = noPressure()
  for (const field of fields) {
    const [key, value] = field.split('=')
    if (value === undefined) continue
    if (key === 'total') line.total = parseNumber(value) ?? 0n
    else if (key === 'avg10' || key === 'avg60' || key === 'avg300') line[key] = Number.parseFloat(value) || 0
  }
  return line
}

function noPressure(): PressureLine {
  return { avg10: 0, avg60: 0, avg300: 0, total: 0n }
}
