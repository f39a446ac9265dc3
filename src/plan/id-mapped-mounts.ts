// Id-mapped mounts (config.md "Mounts", options idmap and ridmap, uidMappings and gidMappings): the runtime gives the cloned mount the
// mappings of a user namespace (mount_setattr(2), MOUNT_ATTR_IDMAP) before anybody can see it, since only it has privileges over
// the file system.

import { AT_RECURSIVE, MOUNT_ATTR_IDMAP } from './constants.ts'
import type { PlanContext } from './context.ts'
import type { Step } from './launch-plan.ts'
import type { PlannedMount } from './mount-steps.ts'
import { mapText } from './namespaces.ts'

/** The mappings alone ask for it, too, as in runc. */
export const isIdMapped = ({ mount, options }: Pick<PlannedMount, 'mount' | 'options'>): boolean =>
  options.idmap !== 'no' || mount.uidMappings.length > 0

/** For the runtime, after the clone of the tree. */
export function idMapSteps(context: PlanContext, planned: PlannedMount, tree: number): Step[] {
  if (!isIdMapped(planned)) return []
  const { from, options } = planned
  const { userns, steps } = mappingNamespace(context, planned)
  const flags = options.idmap === 'ridmap' ? AT_RECURSIVE : 0
  return [...steps, { op: 'mount_setattr', from, fd: tree, flags, set: MOUNT_ATTR_IDMAP, userns }]
}

/** The mount's own mappings, else those of the container's user namespace. One namespace serves all mounts with the same. */
function mappingNamespace(context: PlanContext, { mount, from }: PlannedMount): { userns: number; steps: Step[] } {
  const { linux, shared, slots } = context
  const own = mount.uidMappings.length > 0
  if (!own && shared.userNamespace !== undefined) return { userns: shared.userNamespace, steps: [] }
  const { uidMappings, gidMappings } = own ? mount : linux
  const [uidMap, gidMap] = [mapText(uidMappings), mapText(gidMappings)]
  const key = `${uidMap}\n${gidMap}`
  const known = shared.idMappings.get(key)
  if (known !== undefined) return { userns: known, steps: [] }
  const into = slots.allocate('user namespace of mappings')
  shared.idMappings.set(key, into)
  return { userns: into, steps: [{ op: 'make_userns', from, uidMap, gidMap, into }] }
}
