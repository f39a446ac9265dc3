/** config-linux.md "IntelRdt": a class that is one directory of resctrl, and schemata of one line each. */

import type { Config } from '../config.ts'
import { quote, type Report } from '../rule.ts'

export function checkIntelRdt({ linux: { intelRdt } }: Config, report: Report): void {
  if (intelRdt === undefined) return
  const { closID, schemata, l3CacheSchema } = intelRdt
  if (closID !== undefined && closID !== '/' && (closID === '.' || closID === '..' || /[/\n]/.test(closID))) {
    report('linux.intelRdt.closID', `must be a file name or /, not ${quote(closID)}`)
  }
  if (l3CacheSchema?.includes('\n')) report('linux.intelRdt.l3CacheSchema', 'must be one line')
  for (const [i, line] of schemata.entries()) {
    if (line.includes('\n')) report(`linux.intelRdt.schemata[${i}]`, 'must be one line')
  }
}
