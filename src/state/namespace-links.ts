// The namespaces of a process (namespaces(7), "The /proc/pid/ns/ directory").

import type { NamespaceType } from '../config/config.ts'
import type { Native } from '../native.ts'

/** The names of the kernel, also in /proc/sys/user/max_*_namespaces. */
export const namespaceNames: Readonly<Record<NamespaceType, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
}

export const namespaceTypes = Object.keys(namespaceNames) as readonly NamespaceType[]

/**
 * Identifies a namespace: `net:[4026531840]`. Equal for processes that share it. undefined: the process or the type
 * does not exist.
 */
export const namespaceOf = (native: Native, type: NamespaceType, pid: number | 'self'): string | undefined =>
  native.readLink(`/proc/${pid}/ns/${namespaceNames[type]}`)
