// The root file system (config.md "Root", config-linux.md "Rootfs Mount Propagation"): cloned as a mount of its own,
// mounted over its own path in the container's mount namespace, and made the root. Nothing below it is trusted: every
// later path is resolved beneath its descriptor.

import { RuntError } from '../errors.ts'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  EINVAL,
  ENOENT,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_MOVE,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_NO_MAGICLINKS,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { detachedMountSteps } from './mount-steps.ts'
import { where } from './namespaces.ts'
import { outsidePropagation, propagationFlags, rootPropagation } from './rootfs-propagation.ts'
import { makeCwdSteps } from './working-directory.ts'

export const rootPath = (bundle: string, path: string): string => (path.startsWith('/') ? path : `${bundle}/${path}`)

/** No mount can be made: the mount namespace is the host's, and the user namespace has no privileges over it. */
const isBare = ({ of, unprivileged }: PlanContext['namespaces']): boolean => of('mount') === 'host' && unprivileged

/**
 * Makes the new mount namespace a slave of the host's (the host's mounts propagate in, none propagate out), then clones the root file
 * system and attaches it. Also if the mount namespace is the host's, as in runc, so that the root can be read-only and carries all
 * mounts of the container.
 */
export function enterRootSteps(context: PlanContext): SectionSteps {
  const { config, linux, options, namespaces, shared } = context
  const path = rootPath(options.bundle, config.root.path)
  const from = `root.path (${path})`
  const wanted = linux.rootfsPropagation
  const outside = outsidePropagation(wanted)
  const clone: Step = {
    op: 'open_tree',
    from,
    path,
    resolve: RESOLVE_NO_MAGICLINKS,
    flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE,
    into: shared.root,
  }
  if (isBare(namespaces)) return { runtime: [{ ...clone, flags: OPEN_TREE_CLOEXEC }], container: [] }
  const cut: Step[] =
    namespaces.of('mount') === 'new'
      ? [
          {
            op: 'mount_setattr',
            from: where(linux.namespaces, 'mount'),
            path: '/',
            flags: RUNT_WEAKEN && isWeakened('propagation') ? 0 : AT_RECURSIVE,
            propagation: outside,
          },
        ]
      : []
  // A mount on a shared mount would propagate to every peer, including the host's namespace.
  const part: Step = {
    op: 'mount_setattr',
    from: wanted === undefined ? from : 'linux.rootfsPropagation',
    fd: shared.root,
    flags: AT_RECURSIVE,
    propagation: rootPropagation(wanted),
  }
  // The bundle belongs to the caller: its root file system may be a link, as in crun.
  const into = temporary('target')
  const target: Step = { op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS, into }
  const attach: Step[] = [{ op: 'move_mount', from, mount: shared.root, to: into }, endSection(from)]
  // In a user namespace init may not be able to reach the path; the runtime's clone is still a peer of the host's
  // mount.
  if (namespaces.cloner === 'runtime') return { runtime: [clone], container: [...cut, part, target, ...attach] }
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH
  const opened: Step = { op: 'open_tree', from, at: into, flags, into: shared.root }
  const parted = rootPropagation(wanted) === outside ? [] : [part]
  return { runtime: [], container: [...cut, target, opened, ...parted, ...attach] }
}

/** Enters the root file system while the root is still the host's: createContainer hooks run there, as in runc. */
export const enterRootDirectory = ({ shared }: PlanContext): Step => ({
  op: 'fchdir',
  from: 'root.path',
  fd: shared.root,
})

/**
 * With chroot(2) the host's mounts stay in the namespace, unreachable but present. If one of them is a full proc file system, the kernel
 * lets a user namespace mount another one without the masks of maskedPaths (mount_namespaces(7)). So they are unmounted; mounts that
 * are locked in a user namespace are covered instead.
 */
function hideFullMounts(context: PlanContext): Step[] {
  const from = '--no-pivot'
  const isLocked = context.namespaces.of('user') !== 'host'
  return (context.options.fullMounts ?? []).flatMap((path): Step[] => {
    if (!isLocked) return [{ op: 'umount2', from, path, flags: MNT_DETACH, tolerate: [EINVAL, ENOENT] }]
    const into = temporary('mount')
    const cover = { from, type: 'tmpfs', source: 'tmpfs', data: [], attributes: MOUNT_ATTR_RDONLY, into }
    return [...detachedMountSteps(cover), { op: 'move_mount', from, mount: into, path }, endSection(from)]
  })
}

/** Makes the root file system, which is init's working directory, the root. */
export function switchRootSteps(context: PlanContext): Step[] {
  const { options, namespaces } = context
  const from = 'root.path'
  if (namespaces.of('mount') === 'host') return [{ op: 'chroot', from, path: '.' }]
  if (options.rootSwitch === 'chroot')
    return [
      ...hideFullMounts(context),
      { op: 'mount', from: '--no-pivot', source: '.', target: '/', flags: MS_MOVE },
      { op: 'chroot', from: '--no-pivot', path: '.' },
    ]
  return [
    { op: 'pivot_root', from },
    // The old root is now stacked on the new one; unmounting "." detaches it, and the host's mounts with it.
    { op: 'umount2', from, path: '.', flags: MNT_DETACH },
  ]
}

/** Sets propagation and read-only last, when nothing is created in the root any more. */
export function sealRootSteps(context: PlanContext): Step[] {
  const { config, linux, namespaces, shared } = context
  if (isBare(namespaces)) {
    if (!config.root.readonly) return []
    throw new RuntError('config', 'root.readonly: needs a mount namespace', { path: 'root.readonly' })
  }
  const isSealed = config.root.readonly || shared.readonlyLater.length > 0
  const made = isSealed ? makeCwdSteps(context) : []
  const sealed = shared.readonlyLater.map(
    ({ from, mount }): Step => ({
      op: 'mount_setattr',
      from,
      fd: mount,
      set: MOUNT_ATTR_RDONLY,
    }),
  )
  const steps = [...made, ...sealed]
  const wanted = linux.rootfsPropagation
  if (wanted !== undefined)
    steps.push({
      op: 'mount',
      from: 'linux.rootfsPropagation',
      target: '/',
      flags: propagationFlags[wanted],
    })
  if (config.root.readonly)
    steps.push({ op: 'mount_setattr', from: 'root.readonly', fd: shared.root, set: MOUNT_ATTR_RDONLY })
  return steps
}
