// The host mounts that CRIU uses for a restored container. CRIU does not set a mount's flags if it assumes that an
// earlier mount has set them: a second read-only bind of a file system would be writable. So the sources are on mounts
// in a directory that only CRIU sees, with the attributes that `create` gives to the container's mounts
// (criu/staging.ts).

import type { Attributes } from '../plan/mount-flags.ts'
import { attributeSteps, detachedMountSteps } from '../plan/mount-steps.ts'
import {
  ENOENT,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_LIKE, ON_MISSING_MKDIR, type Step } from '../steps/launch-plan.ts'
import { endSection, type Slots, temporary } from '../steps/slots.ts'

/** A mount of the host, or the part of it that is visible at `point`. */
export interface StagedMount {
  readonly from: string
  readonly point: string
  readonly attributes: readonly Attributes[]
}

/** The path of a staged mount, by number, or of the empty file system. */
export const stagedPath = (directory: string, index: number | 'empty'): string => `${directory}/${index}`

/** These steps run in CRIU's own mount namespace. Missing sources are skipped: CRIU may not need them. */
export function stagingSteps(mounts: readonly StagedMount[], directory: string, slots: Slots): Step[] {
  const from = 'restore'
  const staging = slots.allocate('sources')
  return [
    ...emptySteps(from, staging),
    { op: 'move_mount', from, mount: staging, path: directory },
    endSection(from),
    // The superblock is read-only: CRIU must be able to change the mount's flags, even in a user namespace.
    ...emptySteps('linux.maskedPaths', temporary('mount'), 'ro'),
    ...placeSteps('linux.maskedPaths', staging, 'empty', ON_MISSING_MKDIR),
    ...mounts.flatMap((mount, index) => [
      ...sourceSteps(mount),
      ...placeSteps(mount.from, staging, String(index), ON_MISSING_LIKE),
    ]),
    { op: 'close', from, slots: [staging] },
  ]
}

/** Mounts an empty file system. */
export function emptySteps(from: string, into: number, access: 'ro' | 'rw' = 'rw'): Step[] {
  const data = ['mode=755', access].map((text) => ({ text }))
  return detachedMountSteps({ from, type: 'tmpfs', source: 'tmpfs', data, attributes: 0, into })
}

/** Mounts below the source are staged as mounts of their own. */
function sourceSteps({ from, point, attributes }: StagedMount): Step[] {
  const [into, resolve] = [temporary('mount'), RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS]
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
  return [
    { op: 'open_tree', from, path: point, resolve, flags, into, tolerate: [ENOENT] },
    ...attributes.flatMap((own) => attributeSteps(from, into, own, { set: 0, clear: 0 })),
  ]
}

function placeSteps(from: string, at: number, path: string, onMissing: number): Step[] {
  const [into, mount] = [temporary('target'), temporary('mount')]
  const like = onMissing === ON_MISSING_LIKE ? mount : undefined
  const flags = O_PATH | O_CLOEXEC
  return [
    { op: 'openat2', from, at, path, flags, resolve: RESOLVE_NO_SYMLINKS, onMissing, like, into },
    { op: 'move_mount', from, mount, to: into },
    endSection(from),
  ]
}
