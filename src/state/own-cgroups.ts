// Checks whether the cgroups of a record still belong to its container. The next container with the same
// linux.cgroupsPath may use an empty cgroup, and the ended container's commands must not kill its processes.

import { claimedDirectory, ownerAttribute } from '../cgroup/claim.ts'
import type { Native } from '../native.ts'
import type { Container } from './load-container.ts'
import { LAUNCH_FILE } from './record.ts'
import { isAlive } from './status.ts'

/**
 * The container without cgroups if another one has marked them as its own (cgroup/claim.ts). While init lives they are the container's; a
 * mark that names no container may have been set by the container itself.
 */
export function withOwnCgroups<C extends Container>(native: Native, container: C): C {
  const { directory, record } = container
  const claimed = claimedDirectory(record.cgroups)
  if (claimed === undefined || isAlive(native, record)) return container
  const mark =
    native.attribute(claimed, ownerAttribute('root')) ?? native.attribute(claimed, ownerAttribute('rootless'))
  if (mark === undefined || mark === directory || !native.exists(`${mark}/${LAUNCH_FILE}`)) return container
  return { ...container, record: { ...record, cgroups: {} } }
}
