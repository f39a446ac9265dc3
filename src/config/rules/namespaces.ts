/**
 * config-linux.md "Namespaces": each type once, and absolute paths. Only the kernel knows whether a path has the type.
 */

import type { Config } from '../config.ts'
import { quote, type Report } from '../rule.ts'

export function checkNamespaces({ linux: { namespaces } }: Config, report: Report): void {
  for (let i = 0; i < namespaces.length; i++) {
    const { type, path } = namespaces[i] as (typeof namespaces)[number]
    const at = `linux.namespaces[${i}]`
    for (let j = 0; j < i; j++) {
      if (namespaces[j]?.type !== type) continue
      report(`${at}.type`, `${type} is already listed as linux.namespaces[${j}]`)
      break
    }
    if (path !== undefined && !path.startsWith('/')) {
      report(`${at}.path`, `must be an absolute path, not ${quote(path)}`)
    }
  }
}
