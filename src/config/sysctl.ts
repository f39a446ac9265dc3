/**
 * Names of kernel parameters, sysctl(8): `net.ipv4.ip_forward` or `net/ipv4/ip_forward`. The first of the two
 * characters in a name is the separator; the other is part of a component (`net/ipv4/conf/eth0.100/forwarding`).
 */

import type { NamespaceType } from './config.ts'

const ipcParameters = [
  'kernel/msgmax',
  'kernel/msgmnb',
  'kernel/msgmni',
  'kernel/sem',
  'kernel/shmall',
  'kernel/shmmax',
  'kernel/shmmni',
  'kernel/shm_rmid_forced',
]

/** The parameter's path below /proc/sys. */
export function sysctlPath(name: string): string {
  const dot = name.indexOf('.')
  const slash = name.indexOf('/')
  if (dot < 0 || (slash >= 0 && slash < dot)) return name
  return name.split('.').map(swapSlashes).join('/')
}

/** If the separator is a dot, a slash stands for a dot in a component. */
function swapSlashes(part: string): string {
  return part.replaceAll('/', '.')
}

/** The namespace that a parameter, given by its path, belongs to: namespaces(7) and the pages it names. */
export function sysctlNamespace(parameter: string): NamespaceType | undefined {
  if (parameter.startsWith('net/')) return 'network'
  if (parameter.startsWith('fs/mqueue/') || ipcParameters.includes(parameter)) return 'ipc'
  if (parameter === 'kernel/hostname' || parameter === 'kernel/domainname') return 'uts'
  return parameter.startsWith('user/') ? 'user' : undefined
}
