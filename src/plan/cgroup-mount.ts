// A mount of type cgroup (config-linux.md "Default Filesystems", cgroup ownership): what the container sees of the hierarchies at
// /sys/fs/cgroup. With a cgroup namespace the hierarchies themselves, without one bind mounts of the container's own directories.

import { MOUNT_ATTR_RDONLY, O_CLOEXEC, O_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import type { Hierarchy } from '../cgroup/hierarchies.ts'
import type { Step } from './launch-plan.ts'
import { detachedMountSteps, openTarget, type PlannedMount } from './mounts.ts'

export function planCgroupMount(context: PlanContext, planned: PlannedMount): SectionSteps {
  const { facts } = context
  if (facts.cgroups.mode === 'v2') return { runtime: [], container: unifiedSteps(context, planned) }
  return { runtime: [], container: legacySteps(context, planned) }
}

/** v2: one file system; without a namespace the container's directory of the host's mount. */
function unifiedSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const target = openTarget(context, from, mount.destination, {})
  const into = context.slots.temporary('cgroup2')
  const own = context.cgroup.paths['']
  const attributes = options.attributes.set
  const make: Step[] =
    context.namespaces.of('cgroup') === 'host' && own !== undefined
      ? cloneDirectory(from, own, into, attributes)
      : detachedMountSteps(context, { from, type: 'cgroup2', source: 'cgroup', data: options.data, attributes, into })
  return [...make, target, { op: 'move_mount', from, mount: into, to: target.into }]
}

function cloneDirectory(from: string, path: string, into: number, attributes: number): Step[] {
  const clone: Step = { op: 'open_tree', from, path, flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, into }
  return attributes === 0 ? [clone] : [clone, { op: 'mount_setattr', from, fd: into, set: attributes }]
}

/** v1: a tmpfs that holds one directory for each hierarchy, and links for the single names of joint ones (`cpu` to `cpu,cpuacct`). */
function legacySteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const { slots, facts } = context
  const tmpfs = slots.allocate('cgroup tmpfs')
  const target = openTarget(context, from, mount.destination, {})
  const readonly = options.attributes.set & MOUNT_ATTR_RDONLY
  const attributes = options.attributes.set & ~MOUNT_ATTR_RDONLY
  const steps: Step[] = [
    ...detachedMountSteps(context, { from, type: 'tmpfs', source: 'tmpfs', data: ['mode=755'], attributes, into: tmpfs }),
    target,
    { op: 'move_mount', from, mount: tmpfs, to: target.into },
  ]
  for (const hierarchy of facts.cgroups.hierarchies) steps.push(...hierarchySteps(context, hierarchy, { mount, from, options }, tmpfs))
  if (readonly !== 0) steps.push({ op: 'mount_setattr', from, fd: tmpfs, set: readonly })
  return steps
}

function hierarchySteps(context: PlanContext, hierarchy: Hierarchy, { from, options }: PlannedMount, tmpfs: number): Step[] {
  const { slots, namespaces, cgroup } = context
  const name = hierarchy.version === 2 ? 'unified' : directoryName(hierarchy)
  const first = hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? '')
  const own = cgroup.paths[first]
  const directory = slots.temporary(`cgroup ${name}`)
  const point = slots.temporary(`cgroup mount ${name}`)
  const attributes = options.attributes.set
  if (namespaces.of('cgroup') === 'host' && own === undefined) return []
  const type = hierarchy.version === 2 ? 'cgroup2' : 'cgroup'
  const make: Step[] =
    namespaces.of('cgroup') === 'host'
      ? cloneDirectory(from, own ?? '', point, attributes)
      : detachedMountSteps(context, {
          from,
          type,
          source: 'cgroup',
          data: hierarchy.version === 2 ? [] : controllerOptions(hierarchy),
          attributes,
          into: point,
        })
  const links = hierarchy.version === 1 && hierarchy.controllers.length > 1 ? hierarchy.controllers : []
  return [
    { op: 'mkdirat', from, at: tmpfs, path: name, mode: 0o755 },
    ...make,
    { op: 'openat2', from, at: tmpfs, path: name, flags: O_PATH | O_CLOEXEC, into: directory },
    { op: 'move_mount', from, mount: point, to: directory },
    ...links.map((link): Step => ({ op: 'symlinkat', from, target: name, at: tmpfs, path: link })),
  ]
}

/** The last part of the mount point, as on the host: `cpu,cpuacct`, `systemd`. */
const directoryName = ({ mountpoint }: Hierarchy): string => mountpoint.slice(mountpoint.lastIndexOf('/') + 1)

const controllerOptions = ({ controllers }: Hierarchy): string[] =>
  controllers.flatMap((controller) => (controller.startsWith('name=') ? ['none', controller] : [controller]))

