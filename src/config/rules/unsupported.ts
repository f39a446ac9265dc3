/**
 * What the spec has and this runtime does not carry out yet: refused, since "Runtimes MUST generate an error when invalid
 * or unsupported values are encountered" (config.md "Valid values"). Whoever plans a property takes it out here.
 */

import type { Config, Linux } from '../config.ts'
import type { Report } from '../rule.ts'

export const unsupported: readonly (keyof Linux)[] = ['intelRdt']

export function checkUnsupported({ linux }: Config, report: Report): void {
  for (const key of unsupported) {
    const value = linux[key]
    if (value !== undefined && Object.keys(value).length > 0) report(`linux.${key}`, 'is not supported yet')
  }
}
