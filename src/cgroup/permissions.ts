// The permissions for cgroups that a runtime can expect (--rootless), and the parts of a plan that may fail without them.

import { EACCES, ENOENT, EPERM, EROFS } from '../steps/constants.ts'
import type { CgroupHost } from './hierarchies.ts'
import type { Caller, Part } from './hierarchy-part.ts'
import type { CgroupInput } from './plan-cgroup.ts'
import type { Write } from './write.ts'

/** The file does not exist, or is not writable. */
export const NO_ACCESS = [ENOENT, EACCES, EPERM, EROFS]

type Permissions = Pick<CgroupInput, 'rootless' | 'tolerant'>

export const toleratesRefusal = ({ rootless, tolerant = rootless }: Permissions): boolean => tolerant

/** With --rootless=false a user's runtime does the same as root's, and fails. */
export const callerOf = (input: Permissions): Caller =>
  input.rootless && toleratesRefusal(input) ? 'rootless' : 'root'

/** As in runc: without permissions for cgroups, device rules are optional, too. */
function withPermissions(part: Part, input: CgroupInput): Part {
  if (input.rootless || !toleratesRefusal(input) || !part.hierarchy.controllers.includes('devices')) return part
  const isRule = ({ from }: Write): boolean => from.startsWith('linux.resources.devices')
  return { ...part, writes: part.writes.map((write) => (isRule(write) ? { ...write, tolerate: NO_ACCESS } : write)) }
}

/** Leaves out parts that the caller may not create, if that is tolerated. */
export function partsToMake(planned: readonly Part[], input: CgroupInput, host: CgroupHost): readonly Part[] {
  if (!toleratesRefusal(input)) return planned
  const refused = input.access?.refused ?? []
  return planned
    .map((part) => withPermissions(part, input))
    .filter((part) => !refused.includes(part.path) || !mayFail(part, input, host))
}

/** Whether joining may fail: hierarchies that only group processes, and all for an unprivileged user without a path. */
export function mayFail(part: Part, input: CgroupInput, host: CgroupHost): boolean {
  if (part.writes.some(({ tolerate }) => tolerate !== NO_ACCESS)) return false
  const onlyGroups =
    part.hierarchy.version === 2
      ? host.mode === 'hybrid'
      : part.hierarchy.controllers.length === 1 && part.hierarchy.controllers[0]?.includes('=') === true
  return onlyGroups || (toleratesRefusal(input) && input.cgroupsPath === undefined)
}
