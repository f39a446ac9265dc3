// A mount of type cgroup (config-linux.md "Default Filesystems", cgroup ownership): what the container sees of the
// hierarchies at /sys/fs/cgroup. With a cgroup namespace it is the hierarchies, without one bind mounts of the
// container's cgroups.

import { type Hierarchy, unifiedHierarchy } from '../cgroup/hierarchies.ts'
import {
  AT_RECURSIVE,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { temporary } from '../steps/slots.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { mountLabel } from './labels.ts'
import { refuseLong, splitData } from './mount-data.ts'
import { joinFlags, newMountAttributes } from './mount-flags.ts'
import type { MountOptions } from './mount-options.ts'
import { detachedMountSteps, openTarget, type PlannedMount, propagationSteps, refuseProc } from './mount-steps.ts'

export function planCgroupMount(context: PlanContext, planned: PlannedMount): SectionSteps {
  const isUnified = context.facts.cgroups.mode === 'v2' || planned.mount.type === 'cgroup2'
  if (isUnified) return { runtime: [], container: unifiedSteps(context, planned) }
  const unused = planned.options.data.map(({ text }) => text)
  if (unused.length > 0) context.warnings.push(`${planned.from}: ignored for a cgroup v1 mount: ${unused.join(',')}`)
  return { runtime: [], container: legacySteps(context, planned) }
}

/** These mounts have no submounts when they are made, so the recursive options apply to the mount itself. */
const attributesOf = ({ flags, recursiveFlags }: MountOptions): number =>
  newMountAttributes(joinFlags(flags, recursiveFlags))

/** v2: one file system; without a cgroup namespace, the container's directory of the host's mount. */
function unifiedSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const target = openTarget(context, from, mount.destination, { refuseProc: refuseProc({}) })
  const into = temporary('mount')
  const tree = unifiedHierarchy(context.facts.cgroups)
  const { path, attributes } = shownPart(context, tree, attributesOf(options))
  const data = splitData('cgroup2', options.data)
  refuseLong(from, data)
  const make: Step[] =
    context.namespaces.of('cgroup') === 'host' && path !== undefined
      ? cloneDirectory(from, path, into, attributes)
      : detachedMountSteps({ from, type: 'cgroup2', source: 'cgroup', data, attributes, into })
  const move: Step = { op: 'move_mount', from, mount: into, to: target.into }
  return [...make, ...propagationSteps(from, into, options), target, move]
}

/**
 * What a container sees of a hierarchy: its own cgroup. A container without one (an unprivileged user's, see plan-cgroup.ts) is in
 * its caller's cgroup and sees that, read-only.
 */
function shownPart(
  { cgroup }: PlanContext,
  hierarchy: Hierarchy | undefined,
  attributes: number,
): { readonly path: string | undefined; readonly attributes: number } {
  if (hierarchy === undefined) return { path: undefined, attributes }
  const own = cgroup.paths[hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? '')]
  if (own !== undefined) return { path: own, attributes }
  return { path: `${hierarchy.mountpoint}${hierarchy.own}`, attributes: attributes | MOUNT_ATTR_RDONLY }
}

function cloneDirectory(from: string, path: string, into: number, attributes: number): Step[] {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
  const clone: Step = { op: 'open_tree', from, path, flags, into }
  return attributes === 0 ? [clone] : [clone, { op: 'mount_setattr', from, fd: into, ...setting(attributes) }]
}

/** Access times are one field, not a flag: mount_setattr(2) requires it to be cleared in the call that sets it. */
const setting = (set: number): { set: number; clear?: number } =>
  (set & MOUNT_ATTR__ATIME) === 0 ? { set } : { set, clear: MOUNT_ATTR__ATIME }

/**
 * v1: a tmpfs with one directory for each hierarchy, and links for the names of co-mounted controllers (`cpu` to
 * `cpu,cpuacct`).
 */
function legacySteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const tmpfs = context.slots.allocate('cgroup tmpfs')
  const target = openTarget(context, from, mount.destination, { refuseProc: refuseProc({}) })
  return [
    ...detachedMountSteps({
      from,
      type: 'tmpfs',
      source: 'tmpfs',
      data: [{ text: 'mode=755' }],
      attributes: 0,
      into: tmpfs,
      label: mountLabel(context),
    }),
    target,
    { op: 'move_mount', from, mount: tmpfs, to: target.into },
    ...context.facts.cgroups.hierarchies.flatMap((hierarchy) => hierarchySteps(context, hierarchy, from, tmpfs)),
    // One recursive call for all: each part is a mount of the container's own.
    { op: 'mount_setattr', from, fd: tmpfs, flags: AT_RECURSIVE, ...setting(attributesOf(options)) },
    ...propagationSteps(from, tmpfs, options),
  ]
}

function hierarchySteps(context: PlanContext, hierarchy: Hierarchy, from: string, tmpfs: number): Step[] {
  const name = hierarchyName(hierarchy)
  const mount = temporary('mount')
  const links = hierarchy.version === 1 && hierarchy.controllers.length > 1 ? hierarchy.controllers : []
  return [
    { op: 'mkdirat', from, at: tmpfs, path: name, mode: 0o755 },
    ...hierarchyMount(context, hierarchy, from, mount),
    { op: 'move_mount', from, mount, to: tmpfs, path: name },
    ...links.map((link): Step => ({ op: 'symlinkat', from, target: name, at: tmpfs, path: link })),
  ]
}

function hierarchyMount(context: PlanContext, hierarchy: Hierarchy, from: string, into: number): Step[] {
  const { path = hierarchy.mountpoint, attributes } = shownPart(context, hierarchy, 0)
  if (context.namespaces.of('cgroup') === 'host') return cloneDirectory(from, path, into, attributes)
  const { version } = hierarchy
  const type = version === 2 ? 'cgroup2' : 'cgroup'
  const data = version === 2 ? [] : controllerOptions(hierarchy).map((text) => ({ text }))
  return detachedMountSteps({ from, type, source: 'cgroup', data, attributes, into })
}

/**
 * The hierarchy's directory in the tmpfs: the last component of the mount point on the host (`cpu,cpuacct`, `systemd`),
 * or `unified`.
 */
export const hierarchyName = ({ version, mountpoint }: Hierarchy): string =>
  version === 2 ? 'unified' : mountpoint.slice(mountpoint.lastIndexOf('/') + 1)

const controllerOptions = ({ controllers }: Hierarchy): string[] =>
  controllers.flatMap((controller) => (controller.startsWith('name=') ? ['none', controller] : [controller]))
