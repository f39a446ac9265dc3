// Prepares the root file system for a restore: a mount with a mount point for each mount that CRIU will make, because
// CRIU creates no mount points. They are created as in `create`: by mounting everything in the order of the config,
// below the root and below the sources of bind mounts. Then those mounts are removed; the mount points stay.

import type { Config, Mount } from '../config/config.ts'
import { sourceLink, sourcePath, targetFlags } from '../plan/mount-links.ts'
import { readMountOptions } from '../plan/mount-options.ts'
import {
  AT_RECURSIVE,
  MNT_DETACH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_LIKE, ON_MISSING_MKDIR, type Step } from '../steps/launch-plan.ts'
import { endSection, type Slots, temporary } from '../steps/slots.ts'
import { emptySteps } from './staged-mounts.ts'

export interface RestoredRoot {
  readonly rootfs: string
  readonly bundle: string
  /** Sources that are links and are copied as links (context.ts). */
  readonly links: ReadonlyMap<string, string> | undefined
}

const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC

/** In a mount namespace of CRIU's own. */
export function restoredRootSteps(config: Config, restored: RestoredRoot, slots: Slots): Step[] {
  const { rootfs } = restored
  const from = `root.path (${rootfs})`
  const root = slots.allocate('root')
  const mount: Step[] = [
    { op: 'open_tree', from, path: rootfs, resolve: RESOLVE_NO_MAGICLINKS, flags: clone | AT_RECURSIVE, into: root },
    { op: 'move_mount', from, mount: root, path: rootfs },
  ]
  return [
    ...mount,
    ...config.mounts.flatMap((entry, index) => mountPointSteps(entry, index, root, restored)),
    { op: 'umount2', from, path: rootfs, flags: MNT_DETACH },
    ...mount,
    { op: 'close', from, slots: [root] },
  ]
}

/** Mounts only what may contain later mount points: an empty file system stands for one of the container's own. */
function mountPointSteps(entry: Mount, index: number, root: number, { bundle, links }: RestoredRoot): Step[] {
  const { destination, type } = entry
  const options = readMountOptions(entry.options)
  const isBind = options.bind !== 'no' || type === 'bind'
  const path = sourcePath(entry, bundle)
  if (options.remount || (isBind && links?.has(path))) return []
  const from = `mounts[${index}] (${isBind ? (entry.source ?? '') : (type ?? 'none')} at ${destination})`
  const [into, mount] = [temporary('target'), temporary('mount')]
  const recursive = options.bind === 'rbind' ? AT_RECURSIVE : 0
  const flags = clone | recursive | sourceLink(options)
  const make: Step[] = isBind
    ? [{ op: 'open_tree', from, path, resolve: RESOLVE_NO_MAGICLINKS, flags, into: mount }]
    : emptySteps(from, mount)
  const target = {
    op: 'openat2',
    from,
    at: root,
    path: destination,
    flags: targetFlags(options),
    resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    onMissing: isBind ? ON_MISSING_LIKE : ON_MISSING_MKDIR,
    like: isBind ? mount : undefined,
    into,
  } as const
  return [...make, target, { op: 'move_mount', from, mount, to: into }, endSection(from)]
}
