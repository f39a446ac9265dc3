/** config-linux.md "Offset for Time Namespace", time_namespaces(7). Offsets can only be set in a new namespace. */

import type { Config } from '../config.ts'
import { findNamespace, type Report } from '../rule.ts'

export function checkTimeOffsets(config: Config, report: Report): void {
  const { timeOffsets } = config.linux
  const clocks = Object.entries(timeOffsets)
  if (clocks.length === 0) return
  const namespace = findNamespace(config, 'time')
  if (namespace === undefined) report('linux.timeOffsets', 'needs a time namespace')
  else if (namespace.path !== undefined) report('linux.timeOffsets', 'needs a new time namespace, not one by path')
  for (const [clock, { nanosecs }] of clocks) {
    if (nanosecs > 999999999) report(`linux.timeOffsets.${clock}.nanosecs`, `must be below 1000000000, not ${nanosecs}`)
  }
}
