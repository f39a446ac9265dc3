/** config-linux.md "Offset for Time Namespace", time_namespaces(7). Offsets can only be set in a new namespace. */

import type { Config, TimeOffset } from '../config.ts'
import { findNamespace, quote, type Report } from '../rule.ts'

const clocks = ['monotonic', 'boottime']

export function checkTimeOffsets(config: Config, report: Report): void {
  const { timeOffsets } = config.linux
  const names = Object.keys(timeOffsets)
  if (names.length === 0) return
  const namespace = findNamespace(config, 'time')
  if (namespace === undefined) report('linux.timeOffsets', 'needs a time namespace')
  else if (namespace.path !== undefined) report('linux.timeOffsets', 'needs a new time namespace, not one by path')
  for (const name of names) {
    if (!clocks.includes(name)) {
      report('linux.timeOffsets', `unknown clock ${quote(name)}`)
      continue
    }
    const { nanosecs } = timeOffsets[name as keyof typeof timeOffsets] as TimeOffset
    if (nanosecs > 999999999) report(`linux.timeOffsets.${name}.nanosecs`, `must be below 1000000000, not ${nanosecs}`)
  }
}
