/**
 * config-linux.md "User namespace mappings" and config.md "User": mappings require a user namespace and the reverse,
 * and the process's IDs must be mapped, or setuid(2) would fail with a bare EINVAL. The mappings of a namespace that is
 * joined by path are read from it later.
 */

import type { Config, IdMapping } from '../config.ts'
import { findNamespace, type Report } from '../rule.ts'
import { checkIdMappings } from './id-mappings.ts'

const kinds = ['uidMappings', 'gidMappings'] as const

export function checkUserNamespace(config: Config, report: Report): void {
  const namespace = findNamespace(config, 'user')
  for (const kind of kinds) {
    const mappings = config.linux[kind]
    if (namespace === undefined && mappings.length > 0) report(`linux.${kind}`, 'needs a user namespace')
    if (namespace !== undefined && namespace.path === undefined && mappings.length === 0) {
      report(`linux.${kind}`, 'is required for a new user namespace')
    }
    checkIdMappings(mappings, `linux.${kind}`, report)
  }
  if (namespace !== undefined && namespace.path === undefined) checkUser(config, report)
}

function checkUser({ process, linux }: Config, report: Report): void {
  if (process === undefined || linux.uidMappings.length === 0 || linux.gidMappings.length === 0) return
  const { uid, gid, additionalGids } = process.user
  if (!isMapped(uid, linux.uidMappings)) report('process.user.uid', `${uid} is not mapped by linux.uidMappings`)
  if (!isMapped(gid, linux.gidMappings)) report('process.user.gid', `${gid} is not mapped by linux.gidMappings`)
  for (const [i, extra] of additionalGids.entries()) {
    if (isMapped(extra, linux.gidMappings)) continue
    report(`process.user.additionalGids[${i}]`, `${extra} is not mapped by linux.gidMappings`)
  }
}

function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id - containerID < size)
}
