/** config.md "Mounts", options `idmap` and `ridmap`, `uidMappings` and `gidMappings`. Options as such are the planner's. */

import type { Config, Mount } from '../config.ts'
import { findNamespace, type Report } from '../rule.ts'
import { checkIdMappings } from './id-mappings.ts'

export function checkMounts(config: Config, report: Report): void {
  const { mounts } = config
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as Mount
    const { options, uidMappings, gidMappings } = mount
    if (mount.source === undefined && (options.includes('bind') || options.includes('rbind'))) {
      report(`mounts[${i}].source`, 'is required for a bind mount')
    }
    if (uidMappings.length > 0 || gidMappings.length > 0) {
      checkMappings(mount, `mounts[${i}]`, report)
    } else if (options.includes('idmap') || options.includes('ridmap')) {
      if (findNamespace(config, 'user') !== undefined) continue
      const at = options.findIndex((option) => option === 'idmap' || option === 'ridmap')
      report(`mounts[${i}].options[${at}]`, 'needs uidMappings and gidMappings, or a user namespace')
    }
  }
}

function checkMappings({ uidMappings, gidMappings }: Mount, path: string, report: Report): void {
  if (uidMappings.length === 0) report(`${path}.uidMappings`, 'is required along with gidMappings')
  if (gidMappings.length === 0) report(`${path}.gidMappings`, 'is required along with uidMappings')
  checkIdMappings(uidMappings, `${path}.uidMappings`, report)
  checkIdMappings(gidMappings, `${path}.gidMappings`, report)
}
