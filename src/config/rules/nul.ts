/**
 * No string for the kernel may contain a NUL: it would end there, and a path or an argument would mean something else.
 * JSON can only express one as an escape, so texts without that escape are not checked.
 */

import { formatKey } from '../property-path.ts'
import type { Report } from '../rule.ts'

export function checkNul(text: string, document: unknown, report: Report): void {
  if (text.includes('\\u0000')) search(document, '', MAX_DEPTH, report)
}

/** The schema is not deeper; members below are unknown ones. */
const MAX_DEPTH = 12

function search(value: unknown, path: string, depth: number, report: Report): void {
  if (typeof value === 'string' && value.includes('\0')) report(path, 'must not contain a NUL character')
  if (typeof value !== 'object' || value === null || depth === 0) return
  for (const [key, member] of Object.entries(value)) {
    const at = path + formatKey(Array.isArray(value) ? Number(key) : key, path)
    if (key.includes('\0')) report(path, 'must not contain a NUL character in a key')
    search(member, at, depth - 1, report)
  }
}
