/** config-linux.md "Personality": no flag is supported yet. */

import type { Config } from '../config.ts'
import { quote, type Report } from '../rule.ts'

export function checkPersonality({ linux: { personality } }: Config, report: Report): void {
  for (const [i, flag] of (personality?.flags ?? []).entries()) {
    report(`linux.personality.flags[${i}]`, `unsupported flag ${quote(flag)}`)
  }
}
