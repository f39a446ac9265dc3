/** config.md "Hostname" and "Domainname": the runtime must not rename the host, and Linux allows 64 bytes. */

import type { Config } from '../config.ts'
import { findNamespace, type Report } from '../rule.ts'

const MAX_BYTES = 64

export function checkHostname(config: Config, report: Report): void {
  for (const key of ['hostname', 'domainname'] as const) {
    const name = config[key]
    if (name === undefined) continue
    if (findNamespace(config, 'uts') === undefined) report(key, 'needs a uts namespace')
    if (byteLength(name) > MAX_BYTES) report(key, `is longer than ${MAX_BYTES} bytes`)
  }
}

/** Bytes in UTF-8. */
function byteLength(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) as number
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
