/** config.md "Specification version": versions 1.x are compatible with 1.3, whatever their minor version. */

import type { Config } from '../config.ts'
import { quote, type Report } from '../rule.ts'

export function checkVersion(config: Config, report: Report): void {
  if (/^1\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+][0-9A-Za-z.+-]*)?$/.test(config.ociVersion)) return
  report('ociVersion', `must be a version 1.x.y of the runtime-spec, not ${quote(config.ociVersion)}`)
}
