// Id-mapped mounts (config.md "Mounts", options idmap and ridmap, uidMappings and gidMappings): the runtime sets the
// mappings of a user namespace on the cloned mount (mount_setattr(2), MOUNT_ATTR_IDMAP) before it is attached, because
// only the runtime is privileged over the file system.

import { AT_RECURSIVE, MOUNT_ATTR_IDMAP } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import type { PlannedMount } from './mount-steps.ts'
import { mapText } from './namespaces.ts'

/** Mappings alone request it, too, as in runc. */
export const isIdMapped = ({ mount, options }: Pick<PlannedMount, 'mount' | 'options'>): boolean =>
  options.idmap !== 'no' || mount.uidMappings.length > 0

/** For the runtime, after it has cloned the tree. */
export function idMapSteps(context: PlanContext, planned: PlannedMount, tree: number): Step[] {
  if (!isIdMapped(planned)) return []
  const { from, options } = planned
  const { userns, steps } = mappingNamespace(context, planned)
  const flags = options.idmap === 'ridmap' ? AT_RECURSIVE : 0
  return [...steps, { op: 'mount_setattr', from, fd: tree, flags, set: MOUNT_ATTR_IDMAP, userns }]
}

/**
 * For a tree that init clones: the runtime makes a user namespace for this mount alone, which is closed with the
 * mount's section.
 */
export function ownIdMapSteps(context: PlanContext, planned: PlannedMount, tree: number): SectionSteps {
  if (!isIdMapped(planned)) return { runtime: [], container: [] }
  const { mount, from, options } = planned
  const { uidMappings, gidMappings } = mount.uidMappings.length > 0 ? mount : context.linux
  const userns = context.slots.allocate(`namespace ${mount.destination}`)
  const [uidMap, gidMap] = [mapText(uidMappings), mapText(gidMappings)]
  const flags = options.idmap === 'ridmap' ? AT_RECURSIVE : 0
  return {
    runtime: [{ op: 'make_userns', from, uidMap, gidMap, into: userns }],
    container: [
      { op: 'mount_setattr', from, fd: tree, flags, set: MOUNT_ATTR_IDMAP, userns },
      { op: 'close', from, slots: [userns] },
    ],
  }
}

/**
 * The mount's own mappings, else those of the container's user namespace. Mounts with equal mappings share a namespace.
 */
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
