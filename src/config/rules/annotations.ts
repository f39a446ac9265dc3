/** config.md "Annotations": keys must not be empty. */

import type { Config } from '../config.ts'
import type { Report } from '../rule.ts'

export function checkAnnotations({ annotations }: Config, report: Report): void {
  if (Object.hasOwn(annotations, '')) report('annotations', 'must not have an empty key')
}
