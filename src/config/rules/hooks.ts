/** config.md "POSIX-platform Hooks". */

import type { Config, Hooks } from '../config.ts'
import { quote, type Report } from '../rule.ts'

export function checkHooks({ hooks }: Config, report: Report): void {
  for (const kind in hooks) {
    for (const [i, { path }] of hooks[kind as keyof Hooks].entries()) {
      if (!path.startsWith('/')) report(`hooks.${kind}[${i}].path`, `must be an absolute path, not ${quote(path)}`)
    }
  }
}
