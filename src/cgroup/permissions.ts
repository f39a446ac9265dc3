// The permissions for cgroups that a runtime can expect (--rootless).

import type { Caller } from './hierarchy-part.ts'
import type { CgroupInput } from './plan-cgroup.ts'

type Permissions = Pick<CgroupInput, 'rootless' | 'tolerant'>

export const toleratesRefusal = ({ rootless, tolerant = rootless }: Permissions): boolean => tolerant

/** With --rootless=false a user's runtime does the same as root's, and fails. */
export const callerOf = (input: Permissions): Caller =>
  input.rootless && toleratesRefusal(input) ? 'rootless' : 'root'
