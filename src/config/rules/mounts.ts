/** config.md "Mounts", options `idmap` and `ridmap`, `uidMappings` and `gidMappings`. Options as such are the planner's. */

import type { Config, Mount } from '../config.ts'
import { findNamespace, type Report } from '../rule.ts'
import { checkIdMappings } from './id-mappings.ts'

export function checkMounts(config: Config, report: Report): void {
  const { mounts } = config
  for (let i = 0; i < mounts.length; i++) checkMount(config, mounts[i] as Mount, `mounts[${i}]`, report)
}

function checkMount(config: Config, mount: Mount, path: string, report: Report): void {
  const { options, source, uidMappings, gidMappings } = mount
  if (source === undefined && (options.includes('bind') || options.includes('rbind'))) {
    report(`${path}.source`, 'is required for a bind mount')
  }
  const hasMappings = uidMappings.length > 0
  if (hasMappings !== gidMappings.length > 0) {
    const [given, lacking] = hasMappings ? ['uidMappings', 'gidMappings'] : ['gidMappings', 'uidMappings']
    report(`${path}.${lacking}`, `is required along with ${given}`)
  }
  checkIdMappings(uidMappings, `${path}.uidMappings`, report)
  checkIdMappings(gidMappings, `${path}.gidMappings`, report)
  for (const option of ['idmap', 'ridmap']) {
    const at = options.indexOf(option)
    if (at < 0 || hasMappings || findNamespace(config, 'user') !== undefined) continue
    report(`${path}.options[${at}]`, `${option} needs uidMappings and gidMappings, or a user namespace`)
  }
}
