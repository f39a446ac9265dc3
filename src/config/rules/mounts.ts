/**
 * config.md "Mounts", options `idmap` and `ridmap`, `uidMappings` and `gidMappings`. The planner handles other options.
 */

import { isWeakened } from '../../weaken.ts'
import type { Config, Mount } from '../config.ts'
import { findNamespace, quote, type Report } from '../rule.ts'
import { checkIdMappings } from './id-mappings.ts'

export function checkMounts(config: Config, report: Report): void {
  const { mounts } = config
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as Mount
    const { options, uidMappings, gidMappings } = mount
    checkProc(mount, `mounts[${i}].destination`, report)
    const isBind = options.includes('bind') || options.includes('rbind')
    if (mount.source === undefined && isBind && !options.includes('remount')) {
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

/**
 * Files of /proc that lxcfs and similar programs may replace, as in runc. Not net/dev, which is in each process's own
 * directory: the kernel creates that anew for each lookup, and a mount on it disappears.
 */
const REPLACEABLE = [
  'cpuinfo',
  'diskstats',
  'loadavg',
  'meminfo',
  'slabinfo',
  'stat',
  'swaps',
  'sys/crypto/fips_enabled',
  'sys/kernel/ns_last_pid',
  'uptime',
]

/**
 * Programs in the container, and other runtimes' exec, trust /proc: only procfs may be mounted there (CVE-2019-16884).
 */
function checkProc({ destination = '', type, source = '', options }: Mount, path: string, report: Report): void {
  if (!destination.includes('proc') || (RUNT_WEAKEN && isWeakened('proc-covered'))) return
  const parts: string[] = []
  for (const part of destination.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  if (parts[0] !== 'proc') return
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind')
  const isProc = isBind ? source === '/proc' || source.startsWith('/proc/') : type === 'proc'
  const inside = parts.slice(1).join('/')
  if (isProc || options.includes('remount') || REPLACEABLE.includes(inside)) return
  report(
    path,
    `${quote(destination)} cannot be mounted on: ${inside === '' ? 'only procfs may be there' : 'it is inside /proc'}`,
  )
}

function checkMappings({ uidMappings, gidMappings }: Mount, path: string, report: Report): void {
  if (uidMappings.length === 0) report(`${path}.uidMappings`, 'is required along with gidMappings')
  if (gidMappings.length === 0) report(`${path}.gidMappings`, 'is required along with uidMappings')
  checkIdMappings(uidMappings, `${path}.uidMappings`, report)
  checkIdMappings(gidMappings, `${path}.gidMappings`, report)
}
