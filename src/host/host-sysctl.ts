// linux.sysctl with a namespace that is joined by path (config-linux.md "Sysctl"): if it is the runtime's own
// namespace, the parameter would change the host. Checked here because the config's rules do not read the host.

import type { Config, Namespace } from '../config/config.ts'
import { sysctlNamespace, sysctlPath } from '../config/sysctl.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'

/** Names in /proc/PID/ns, namespaces(7). */
const files: Readonly<Partial<Record<Namespace['type'], string>>> = {
  ipc: 'ipc',
  network: 'net',
  user: 'user',
  uts: 'uts',
}

export function refuseHostSysctls(native: Native, { linux }: Config): void {
  for (const name of Object.keys(linux.sysctl)) {
    const type = sysctlNamespace(sysctlPath(name))
    const joined = linux.namespaces.find((namespace) => namespace.type === type)?.path
    const file = type && files[type]
    if (joined === undefined || file === undefined) continue
    if (inodeOf(native, joined) === inodeOf(native, `/proc/self/ns/${file}`))
      throw new RuntError(
        'config',
        `linux.sysctl["${name}"]: ${joined} is the host's namespace: it would change the host`,
      )
  }
}

/**
 * The inode of a namespace: a magic link in /proc, `net:[4026531840]`, or a file it is bind-mounted on. The join
 * reports a missing path.
 */
function inodeOf(native: Native, path: string): number | undefined {
  const magic = /^[a-z]+:\[(\d+)\]$/.exec(native.readLink(path) ?? '')?.[1]
  if (magic !== undefined) return Number(magic)
  return native.exists(path) ? native.status(native.realpath(path))?.inode : undefined
}
