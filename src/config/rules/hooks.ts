/** config.md "POSIX-platform Hooks". */

import type { Config, Hooks } from '../config.ts'
import { quote, type Report } from '../rule.ts'

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

export function checkHooks({ hooks }: Config, report: Report): void {
  for (const kind of kinds satisfies readonly (keyof Hooks)[]) {
    const list = hooks[kind]
    for (let i = 0; i < list.length; i++) {
      const path = list[i]?.path ?? ''
      if (!path.startsWith('/')) report(`hooks.${kind}[${i}].path`, `must be an absolute path, not ${quote(path)}`)
    }
  }
}
