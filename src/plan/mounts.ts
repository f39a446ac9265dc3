// mounts (config.md "Mounts"): each entry becomes a detached mount that is finished before it is attached, so that nobody ever
// sees it half made. Targets are resolved inside the root and used by descriptor; sources are host paths.

import type { Mount } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { planCgroupMount } from './cgroup-mount.ts'
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_RECONFIGURE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_NO_MAGICLINKS,
} from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { deviceMountSteps, fileSystemSteps, isOnDevice } from './file-systems.ts'
import { idMapSteps, isIdMapped } from './id-mapped-mounts.ts'
import { ON_MISSING_LIKE, type Step } from './launch-plan.ts'
import { type Attributes, isSuperblockFlag, readMountOptions } from './mount-options.ts'
import { attributeSteps, dataSteps, openTarget, type PlannedMount, propagationSteps } from './mount-steps.ts'
import { sourcePropagation, wantsShared } from './root.ts'
import { endSection, temporary } from './slots.ts'

/** All mounts, in the order of the config. Fills shared.proc, shared.dev and shared.devpts. */
export function mountSteps(context: PlanContext): SectionSteps {
  const runtime: Step[] = []
  const container: Step[] = []
  context.config.mounts.forEach((mount, index) => {
    const planned = describeMount(mount, index)
    forgetCovered(context, planned)
    const part = planMount(context, planned, index)
    runtime.push(...part.runtime)
    container.push(...part.container, endSection(planned.from))
  })
  return { runtime, container }
}

/** What is mounted over a mount, or over a directory above it, hides it. A remount covers nothing. */
function forgetCovered({ shared }: PlanContext, { mount: { destination }, options }: PlannedMount): void {
  if (options.remount) return
  const above = destination === '/' ? '/' : `${destination}/`
  for (let i = shared.own.length - 1; i >= 0; i--) if (shared.own[i]?.prefix.startsWith(above)) shared.own.splice(i, 1)
}

const isBindMount = ({ mount, options }: Pick<PlannedMount, 'mount' | 'options'>): boolean =>
  options.bind !== 'no' || mount.type === 'bind'

function describeMount(mount: Mount, index: number): PlannedMount {
  const options = readMountOptions(mount.options)
  const what = isBindMount({ mount, options }) ? (mount.source ?? 'bind') : (mount.type ?? 'none')
  return { mount, from: `mounts[${index}] (${what} at ${mount.destination})`, options }
}

function planMount(context: PlanContext, planned: PlannedMount, index: number): SectionSteps {
  const { mount, options } = planned
  const isBind = isBindMount(planned)
  if (isIdMapped(planned) && (!isBind || options.remount))
    throw new RuntError('config', `${planned.from}: only bind mounts can be id-mapped`, { path: `mounts[${index}]` })
  if (options.remount) return { runtime: [], container: remountSteps(context, planned) }
  if (isBind) {
    const unused = options.data.filter((option) => !isSuperblockFlag(option))
    if (unused.length > 0)
      context.warnings.push(`${planned.from}: a bind mount has no options of a file system: ${unused.join(',')}`)
    return bindSteps(context, planned)
  }
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return planCgroupMount(context, planned)
  if (isOnDevice(planned)) return deviceMountSteps(context, planned)
  return { runtime: [], container: fileSystemSteps(context, planned) }
}

function bindSteps(context: PlanContext, planned: PlannedMount): SectionSteps {
  const { mount, from, options } = planned
  const {
    slots,
    namespaces,
    options: { bundle },
  } = context
  const source = mount.source ?? ''
  if (source === '') throw new RuntError('config', `${from}: a bind mount needs a source`, { path: from })
  // In a user namespace the source may be out of init's reach, and a peer of the host's mount can only be had on the host; so then
  // the runtime clones it and hands it over. An ordinary user's runtime may not, and need not: init can reach what its user can.
  const { cloner, unprivileged } = namespaces
  const isPeer = !unprivileged && wantsShared(context.linux.rootfsPropagation)
  const byRuntime = cloner === 'runtime' || isIdMapped(planned) || isPeer
  const name = `bind ${mount.destination}`
  // Its paths may be masked: the mount is kept for that, as those are of which the runtime makes the file system.
  const isProtected = mount.destination === '/sys' || mount.destination === '/proc'
  const tree = byRuntime || isProtected ? slots.allocate(name) : temporary('bind')
  const recursive = options.bind === 'rbind' ? AT_RECURSIVE : 0
  const clone: Step = {
    op: 'open_tree',
    from,
    path: source.startsWith('/') ? source : `${bundle}/${source}`,
    resolve: RESOLVE_NO_MAGICLINKS,
    flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive,
    into: tree,
  }
  const target = openTarget(context, from, mount.destination, { onMissing: ON_MISSING_LIKE, like: tree })
  if (mount.destination === '/dev') context.shared.dev = undefined
  if (isProtected) context.shared.own.push({ prefix: `${mount.destination}/`, mount: tree })
  const steps = [
    ...attributeSteps(from, tree, exactAttributes(options.attributes, unprivileged), options.recursiveAttributes),
    ...propagationSteps(from, tree, options),
    target,
    { op: 'move_mount', from, mount: tree, to: target.into } as const,
  ]
  if (!byRuntime) return { runtime: [], container: [clone, ...steps] }
  // Cloned in the host's namespace it is a peer of the host's mount: what the container mounts below it would appear there.
  const propagation = sourcePropagation(context.linux.rootfsPropagation)
  const cut: Step = { op: 'mount_setattr', from, fd: tree, flags: AT_RECURSIVE, propagation }
  return { runtime: [clone, ...idMapSteps(context, planned, tree), cut], container: steps }
}

const RESTRICTIONS =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOSYMFOLLOW

/**
 * With any option of its own a bind mount has these and no others, as with runc and crun: an executable on a volume of a `noexec`
 * file system that is bound with `ro` can be run. Without any it is like its source. The access time is left alone, as by
 * mount(2). In a user namespace the source's restrictions are locked (mount_namespaces(7)): there only what is asked for explicitly
 * is cleared, and what never locks.
 */
function exactAttributes({ set, clear }: Attributes, unprivileged: boolean): Attributes {
  if (set === 0 && clear === 0) return { set, clear }
  const others = unprivileged ? MOUNT_ATTR_NOSYMFOLLOW : RESTRICTIONS
  return { set, clear: clear | (others & ~set) }
}

/** What the options do not name stays as it is; with `bind` they are the mount's alone, as in mount(8). */
function remountSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const target = openTarget(context, from, mount.destination, { onMissing: 0 })
  const fs = temporary('fs')
  const reconfigure: Step[] =
    options.data.length === 0 || options.bind !== 'no'
      ? []
      : [
          { op: 'fspick', from, mount: target.into, into: fs },
          ...dataSteps(from, fs, options.data),
          { op: 'fsconfig', from, fs, command: FSCONFIG_CMD_RECONFIGURE },
        ]
  return [
    target,
    ...reconfigure,
    ...attributeSteps(from, target.into, options.attributes, options.recursiveAttributes),
    ...propagationSteps(from, target.into, options),
  ]
}
