// A mount of type cgroup (config-linux.md "Default Filesystems", cgroup ownership): what the container sees of the hierarchies at
// /sys/fs/cgroup. With a cgroup namespace the hierarchies themselves, without one bind mounts of the container's own directories.

import type { Hierarchy } from '../cgroup/hierarchies.ts'
import { AT_RECURSIVE, ENOENT, MOUNT_ATTR__ATIME, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import type { Step } from './launch-plan.ts'
import { detachedMountSteps, openTarget, type PlannedMount } from './mount-steps.ts'
import { temporary } from './slots.ts'

export function planCgroupMount(context: PlanContext, planned: PlannedMount): SectionSteps {
  const isUnified = context.facts.cgroups.mode === 'v2' || planned.mount.type === 'cgroup2'
  if (isUnified) return { runtime: [], container: unifiedSteps(context, planned) }
  return { runtime: [], container: legacySteps(context, planned) }
}

/** v2: one file system; without a namespace the container's directory of the host's mount. */
function unifiedSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const target = openTarget(context, from, mount.destination, {})
  const into = temporary('mount')
  const own = context.cgroup.paths['']
  const attributes = options.attributes.set
  const make: Step[] =
    context.namespaces.of('cgroup') === 'host' && own !== undefined
      ? cloneDirectory(context, from, own, into, attributes)
      : detachedMountSteps({ from, type: 'cgroup2', source: 'cgroup', data: options.data, attributes, into })
  return [...make, target, { op: 'move_mount', from, mount: into, to: target.into }]
}

function cloneDirectory(context: PlanContext, from: string, path: string, into: number, attributes: number): Step[] {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
  const clone: Step = { op: 'open_tree', from, path, flags, into, ...whenMissing(context) }
  return attributes === 0 ? [clone] : [clone, { op: 'mount_setattr', from, fd: into, ...setting(attributes) }]
}

/** Access times are one field, not a flag: the kernel wants it cleared in the same call that sets it (mount_setattr(2)). */
const setting = (set: number): { set: number; clear?: number } =>
  (set & MOUNT_ATTR__ATIME) === 0 ? { set } : { set, clear: MOUNT_ATTR__ATIME }

/** An ordinary user without a path has a cgroup only where that is allowed (plan-cgroup.ts): else there is nothing to show. */
function whenMissing({ facts, linux }: PlanContext): Pick<Step, 'tolerate'> {
  const isOrdinary = facts.euid !== 0 || facts.inUserNamespace
  return isOrdinary && linux.cgroupsPath === undefined ? { tolerate: [ENOENT] } : {}
}

/** v1: a tmpfs that holds one directory for each hierarchy, and links for the single names of joint ones (`cpu` to `cpu,cpuacct`). */
function legacySteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const tmpfs = context.slots.allocate('cgroup tmpfs')
  const target = openTarget(context, from, mount.destination, {})
  const { set } = options.attributes
  return [
    ...detachedMountSteps({
      from,
      type: 'tmpfs',
      source: 'tmpfs',
      data: ['mode=755'],
      attributes: 0,
      into: tmpfs,
    }),
    target,
    { op: 'move_mount', from, mount: tmpfs, to: target.into },
    ...context.facts.cgroups.hierarchies.flatMap((hierarchy) => hierarchySteps(context, hierarchy, from, tmpfs)),
    // One call for all of them: each part is a mount of the container's own.
    { op: 'mount_setattr', from, fd: tmpfs, flags: AT_RECURSIVE, ...setting(set) },
  ]
}

function hierarchySteps(context: PlanContext, hierarchy: Hierarchy, from: string, tmpfs: number): Step[] {
  const own = context.cgroup.paths[hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? '')]
  if (context.namespaces.of('cgroup') === 'host' && own === undefined) return []
  const name = hierarchyName(hierarchy)
  const mount = temporary('mount')
  const links = hierarchy.version === 1 && hierarchy.controllers.length > 1 ? hierarchy.controllers : []
  return [
    { op: 'mkdirat', from, at: tmpfs, path: name, mode: 0o755 },
    ...hierarchyMount(context, hierarchy, from, own ?? '', mount),
    { op: 'move_mount', from, mount, to: tmpfs, path: name },
    ...links.map((link): Step => ({ op: 'symlinkat', from, target: name, at: tmpfs, path: link })),
  ]
}

function hierarchyMount(context: PlanContext, hierarchy: Hierarchy, from: string, own: string, into: number): Step[] {
  if (context.namespaces.of('cgroup') === 'host') return cloneDirectory(context, from, own, into, 0)
  const { version } = hierarchy
  const type = version === 2 ? 'cgroup2' : 'cgroup'
  const data = version === 2 ? [] : controllerOptions(hierarchy)
  return detachedMountSteps({ from, type, source: 'cgroup', data, attributes: 0, into })
}

/** Its directory in the tmpfs: the last part of the mount point, as on the host (`cpu,cpuacct`, `systemd`), or `unified`. */
export const hierarchyName = ({ version, mountpoint }: Hierarchy): string =>
  version === 2 ? 'unified' : mountpoint.slice(mountpoint.lastIndexOf('/') + 1)

const controllerOptions = ({ controllers }: Hierarchy): string[] =>
  controllers.flatMap((controller) => (controller.startsWith('name=') ? ['none', controller] : [controller]))
