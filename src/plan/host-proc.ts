// Selects the procfs that plans write to. The kernel allows a new one only to the owner of the pid namespace (proc(5)).

import type { PlanContext } from './context.ts'

/**
 * In a user namespace without a pid namespace of its own no procfs can be mounted. Then the host's is used, while the host's root is
 * still init's: /proc/sys/{net,kernel,fs,user} shows the namespaces of the process that opens it.
 */
export const usesHostProc = ({ namespaces, shared }: PlanContext): boolean =>
  namespaces.unprivileged && namespaces.of('pid') !== 'new' && shared.proc === undefined
