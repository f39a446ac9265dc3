/**
 * The rules for a whole config, in the order of the specification, which is also that of messages. One file each in
 * rules/.
 */

import type { Config } from './config.ts'
import type { Report, Rule } from './rule.ts'
import { checkAnnotations } from './rules/annotations.ts'
import { checkDevices } from './rules/devices.ts'
import { checkHooks } from './rules/hooks.ts'
import { checkHostname } from './rules/hostname.ts'
import { checkIntelRdt } from './rules/intel-rdt.ts'
import { checkMemoryPolicy } from './rules/memory-policy.ts'
import { checkMounts } from './rules/mounts.ts'
import { checkNamespaces } from './rules/namespaces.ts'
import { checkNetDevices } from './rules/net-devices.ts'
import { checkPersonality } from './rules/personality.ts'
import { checkProcess } from './rules/process.ts'
import { checkResources } from './rules/resources.ts'
import { checkRestrictedPaths } from './rules/restricted-paths.ts'
import { checkSeccomp } from './rules/seccomp.ts'
import { checkSysctl } from './rules/sysctl.ts'
import { checkTimeOffsets } from './rules/time-offsets.ts'
import { checkUserNamespace } from './rules/user-namespace.ts'
import { checkVersion } from './rules/version.ts'

const beforeProcess: readonly Rule[] = [checkVersion, checkMounts]
const afterProcess: readonly Rule[] = [
  checkHostname,
  checkHooks,
  checkAnnotations,
  checkNamespaces,
  checkUserNamespace,
  checkTimeOffsets,
  checkDevices,
  checkNetDevices,
]
const afterResources: readonly Rule[] = [
  checkIntelRdt,
  checkMemoryPolicy,
  checkSysctl,
  checkSeccomp,
  checkRestrictedPaths,
  checkPersonality,
]

export function checkRules(config: Config, report: Report, warn: Report): void {
  for (const check of beforeProcess) check(config, report)
  if (config.process !== undefined) checkProcess(config.process, 'process.', report, warn)
  for (const check of afterProcess) check(config, report)
  checkResources(config.linux.resources, 'linux.resources.', report)
  for (const check of afterResources) check(config, report)
}
