// Symbolic links at the ends of a bind mount, with crun's options (crun(1)): `copy-symlink` copies the source, if it is
// a link, into the container; `src-nofollow` mounts the link itself; `dest-nofollow` mounts over a link instead of its
// target.

import type { Mount } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_NOFOLLOW, O_PATH } from '../steps/constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import type { MountOptions } from './mount-options.ts'
import { openTarget, type PlannedMount } from './mount-steps.ts'

/** Throws for options that have no effect on the mount or exclude each other. */
export function checkLinks({ mount, options: { bind, remount, links } }: PlannedMount, index: number): void {
  const isBind = (bind !== 'no' || mount.type === 'bind') && !remount
  for (const option of links) {
    const path = `mounts[${index}].options[${mount.options.indexOf(option)}]`
    if (!isBind) throw new RuntError('config', `${path}: ${option} is for bind mounts only`, { path })
    if (option !== 'copy-symlink' && links.includes('copy-symlink'))
      throw new RuntError('config', `${path}: ${option} contradicts copy-symlink, which mounts no link`, { path })
  }
}

/** The source on the host; a relative one is relative to the bundle. */
export const sourcePath = ({ source = '' }: Pick<Mount, 'source'>, bundle: string): string =>
  source.startsWith('/') ? source : `${bundle}/${source}`

/** For open_tree(2). */
export const sourceLink = ({ links }: MountOptions): number =>
  links.includes('src-nofollow') ? AT_SYMLINK_NOFOLLOW : 0

/** For the target's openat2(2). */
export const targetFlags = ({ links }: MountOptions): number =>
  O_PATH | O_CLOEXEC | (links.includes('dest-nofollow') ? O_NOFOLLOW : 0)

/** Steps that create the link instead of a mount; undefined if the source is not a link. */
export function copiedLinkSteps(
  context: PlanContext,
  { mount, from, options }: PlannedMount,
): SectionSteps | undefined {
  if (!options.links.includes('copy-symlink')) return undefined
  const target = context.options.sourceLinks?.get(sourcePath(mount, context.options.bundle))
  if (target === undefined) return undefined
  const slash = mount.destination.lastIndexOf('/')
  const path = mount.destination.slice(slash + 1)
  if (path === '' || path === '.' || path === '..')
    throw new RuntError('config', `${from}: destination: a link needs a name`, { path: from })
  const parent = openTarget(context, from, mount.destination.slice(0, slash) || '/', {})
  return { runtime: [], container: [parent, { op: 'symlinkat', from, target, at: parent.into, path }] }
}
