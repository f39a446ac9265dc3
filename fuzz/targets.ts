// All targets in TypeScript, by name.

import type { Target } from './target.ts'
import { documents } from './targets/config.ts'
import { kernel } from './targets/kernel.ts'
import { messages } from './targets/messages.ts'
import { reports } from './targets/reports.ts'
import { seccomp } from './targets/seccomp.ts'
import { systemd } from './targets/systemd.ts'
import { texts } from './targets/text.ts'

export const targets: readonly Target[] = [
  ...texts,
  ...messages,
  ...systemd,
  ...kernel,
  ...documents,
  ...reports,
  ...seccomp,
]
