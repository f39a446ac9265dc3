/**
 * config-linux.md "Network Devices": names that the kernel accepts, a network namespace to move to, and no duplicate
 * names.
 */

import type { Config } from '../config.ts'
import { findNamespace, quote, type Report } from '../rule.ts'

/** IFNAMSIZ includes the NUL. */
const MAX_NAME = 15

export function checkNetDevices(config: Config, report: Report): void {
  const { netDevices } = config.linux
  const hostNames = Object.keys(netDevices)
  if (hostNames.length === 0) return
  if (findNamespace(config, 'network') === undefined) report('linux.netDevices', 'needs a network namespace')
  const taken = new Map<string, string>()
  for (const hostName of hostNames) {
    const path = `linux.netDevices[${JSON.stringify(hostName)}]`
    const name = netDevices[hostName]?.name ?? hostName
    if (!isName(hostName)) report(path, `${quote(hostName)} cannot be the name of a network device`)
    if (!isName(name)) report(`${path}.name`, `${quote(name)} cannot be the name of a network device`)
    const other = name.includes('%d') ? undefined : taken.get(name)
    if (other !== undefined) report(`${path}.name`, `${name} is already the name of ${other}`)
    taken.set(name, path)
  }
}

/** Like dev_valid_name() of the kernel. */
function isName(name: string): boolean {
  return name.length <= MAX_NAME && name !== '.' && name !== '..' && /^[^\s/:]+$/.test(name)
}
