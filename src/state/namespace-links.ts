// The namespaces of a process (namespaces(7), "The /proc/pid/ns/ directory").

import type { NamespaceType } from '../config/config.ts'
import type { Native } from '../native.ts'

/** The names in /proc/PID/ns and in /proc/sys/user/max_NAME_namespaces. */
export const kernelNames: Readonly<Record<NamespaceType, string>> = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  mount: 'mnt',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
}

export const namespaceTypes = Object.keys(kernelNames) as readonly NamespaceType[]

/**
 * Identifies a namespace: `net:[4026531840]`. Equal for processes that share it. undefined: the process or the type
 * does not exist.
 */
export const namespaceOf = (native: Native, type: NamespaceType, pid: number | 'self'): string | undefined =>
  native.readLink(`/proc/${pid}/ns/${kernelNames[type]}`)
