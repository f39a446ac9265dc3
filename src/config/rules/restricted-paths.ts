/**
 * config-linux.md "Masked Paths" and "Readonly Paths": absolute, and only with a mount namespace; otherwise they would
 * be masked on the host.
 */

import type { Config } from '../config.ts'
import { findNamespace, quote, type Report } from '../rule.ts'

export function checkRestrictedPaths(config: Config, report: Report): void {
  for (const kind of ['maskedPaths', 'readonlyPaths'] as const) {
    const paths = config.linux[kind]
    if (paths.length === 0) continue
    if (findNamespace(config, 'mount') === undefined) report(`linux.${kind}`, 'needs a mount namespace')
    for (let i = 0; i < paths.length; i++) {
      const path = paths[i] as string
      if (!path.startsWith('/')) report(`linux.${kind}[${i}]`, `must be an absolute path, not ${quote(path)}`)
    }
  }
}
