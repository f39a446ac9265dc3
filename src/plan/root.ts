// The root file system (config.md "Root", config-linux.md "Rootfs Mount Propagation"): cloned as a mount of its own, put
// over its own path in the container's mount namespace, and made the root. Nothing below it is trusted: every later path is
// resolved beneath its descriptor.

import type { RootfsPropagation } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { isWeakened } from '../weaken.ts'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  EINVAL,
  ENOENT,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_MOVE,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_NO_MAGICLINKS,
} from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import type { Step } from './launch-plan.ts'
import { detachedMountSteps } from './mount-steps.ts'
import { endSection, temporary } from './slots.ts'

const propagationFlags: Readonly<Record<RootfsPropagation, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
}

export const wantsShared = (wanted: RootfsPropagation | undefined): boolean =>
  wanted === 'shared' || wanted === 'rshared'

/**
 * What the mounts of the host become in the container's namespace: cut off one way at least. A root that is to be shared gets a
 * peer group of its own, later: pivot_root(2) takes none that is shared, and attaching it to a shared mount would attach it on the
 * host, too.
 */
const outsidePropagation = (wanted: RootfsPropagation | undefined): number =>
  wanted === 'private' || wanted === 'rprivate' || wantsShared(wanted) ? MS_PRIVATE : MS_SLAVE

/** What bind mounts become that the runtime clones on the host: there, what is shared stays a peer of the host's, if that is wanted. */
export const sourcePropagation = (wanted: RootfsPropagation | undefined): number =>
  wantsShared(wanted) ? MS_SHARED : outsidePropagation(wanted)

export const rootPath = (bundle: string, path: string): string => (path.startsWith('/') ? path : `${bundle}/${path}`)

/** No mount can be made: the namespace is the host's, and a user namespace has no power over that. */
const isBare = ({ of, unprivileged }: PlanContext['namespaces']): boolean => of('mount') === 'host' && unprivileged

/**
 * Cut the new mount namespace off from the host's (slave: mounts of the host still come in, none go out), then clone the root file
 * system and put it in place. In the host's own namespace as well, as runc does: so it can be read-only, and all that the container
 * mounts lies on it.
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
            from: 'linux.rootfsPropagation',
            path: '/',
            flags: RUNT_WEAKEN && isWeakened('propagation') ? 0 : AT_RECURSIVE,
            propagation: outside,
          },
        ]
      : []
  // A mount that is shared would be mounted again in every peer, the host's namespace among them.
  const part: Step = {
    op: 'mount_setattr',
    from: 'linux.rootfsPropagation',
    fd: shared.root,
    flags: AT_RECURSIVE,
    propagation: outside,
  }
  // The bundle is the caller's: its root file system may be a link, as for crun.
  const into = temporary('target')
  const target: Step = { op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS, into }
  const attach: Step[] = [{ op: 'move_mount', from, mount: shared.root, to: into }, endSection(from)]
  // In a user namespace init may not be able to reach the path; what the runtime has cloned still belongs to the host's peers.
  if (namespaces.cloner === 'runtime') return { runtime: [clone], container: [...cut, part, target, ...attach] }
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH
  const opened: Step = { op: 'open_tree', from, at: into, flags, into: shared.root }
  return { runtime: [], container: [...cut, target, opened, ...attach] }
}

/** Into the root file system, while the host's is still the root: createContainer hooks run there, as with runc. */
export const enterRootDirectory = ({ shared }: PlanContext): Step => ({
  op: 'fchdir',
  from: 'root.path',
  fd: shared.root,
})

/**
 * With chroot(2) the host's mounts stay in the namespace, out of reach, but there: and where all of a proc file system is
 * mounted, the kernel lets a user namespace mount another, without what maskedPaths cover (mount_namespaces(7)). So they
 * go; what came into a user namespace is locked and is covered instead.
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

/** Make the root file system, where init is, the root. */
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
    // The old root lies on top of the new one now; unmounting "." takes it away, and the host with it.
    { op: 'umount2', from, path: '.', flags: MNT_DETACH },
  ]
}

/** Propagation and read-only come last, when nothing has to be made in the root any more. */
export function sealRootSteps({ config, linux, namespaces, shared }: PlanContext): Step[] {
  if (isBare(namespaces)) {
    if (!config.root.readonly) return []
    throw new RuntError('config', 'root.readonly: needs a mount namespace', { path: 'root.readonly' })
  }
  const steps: Step[] = shared.readonlyLater.map(({ from, mount }) => ({
    op: 'mount_setattr',
    from,
    fd: mount,
    set: MOUNT_ATTR_RDONLY,
  }))
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
