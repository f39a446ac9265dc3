// Bind mounts (config.md "Mounts"): what is cloned, and by which side. mount-options.ts interprets the options.

import { shortest } from '../config/normalise.ts'
import { RuntError } from '../errors.ts'
import {
  AT_RECURSIVE,
  MS_SHARED,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_LIKE, type Step, type StepOf } from '../steps/launch-plan.ts'
import { temporary } from '../steps/slots.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { idMapSteps, isIdMapped, ownIdMapSteps } from './id-mapped-mounts.ts'
import { changedAttributes, exactAttributes, noAttributes } from './mount-flags.ts'
import { sourceLink, sourcePath, targetFlags } from './mount-links.ts'
import type { MountOptions } from './mount-options.ts'
import { attributeSteps, openTarget, type PlannedMount, propagationSteps, refuseProc } from './mount-steps.ts'
import { isBelow, isKept, keepOwn } from './own-mounts.ts'
import { rootPath } from './root.ts'
import { sendsMounts, sourcePropagation } from './rootfs-propagation.ts'

export function bindSteps(context: PlanContext, planned: PlannedMount): SectionSteps {
  const { mount, from, options } = planned
  const { slots, namespaces, shared } = context
  if ((mount.source ?? '') === '') throw new RuntError('config', `${from}: a bind mount needs a source`, { path: from })
  // In a user namespace init may not be able to reach the source, and only a clone made on the host can be a peer of
  // the host's mount; so there the runtime clones it and passes the descriptor. An unprivileged runtime may not and
  // need not: init can reach what its user can.
  const { cloner, unprivileged } = namespaces
  const isPeer = !unprivileged && sendsMounts(context.linux.rootfsPropagation) && !isCut(options)
  const byRuntime = cloner === 'runtime' || isIdMapped(planned) || isPeer
  // The runtime cannot see init's mounts, so init clones sources below them.
  const inside = byRuntime ? sourceInside(context, planned) : undefined
  const isOwn = mount.destination === '/sys' || mount.destination === '/proc' || isKept(context, mount.destination)
  const isHandedOver = byRuntime && inside === undefined
  const tree = isHandedOver || isOwn ? slots.allocate(`bind ${mount.destination}`) : temporary('bind')
  const target = openTarget(context, from, mount.destination, {
    onMissing: ON_MISSING_LIKE,
    like: tree,
    flags: targetFlags(options),
    refuseProc: refuseProc(mount),
  })
  if (mount.destination === '/dev') shared.dev = undefined
  if (isOwn) keepOwn(context, mount.destination, tree)
  const own = options.hasFlags ? exactAttributes(options.flags, unprivileged) : noAttributes
  const steps: Step[] = [
    ...attributeSteps(from, tree, own, changedAttributes(options.recursiveFlags)),
    ...propagationSteps(from, tree, options),
    target,
    { op: 'move_mount', from, mount: tree, to: target.into },
  ]
  const clone = cloneStep(context, planned, tree)
  if (!byRuntime) return { runtime: [], container: [clone, ...steps] }
  if (inside !== undefined) return bindInside(context, planned, { ...clone, ...inside }, steps)
  // A mount cloned in the host's namespace is a peer of the host's mount: mounts below it would propagate to the host.
  const propagation = sourcePropagation(context)
  const cut: Step[] =
    propagation === undefined ? [] : [{ op: 'mount_setattr', from, fd: tree, flags: AT_RECURSIVE, propagation }]
  return { runtime: [clone, ...idMapSteps(context, planned, tree), ...cut], container: steps }
}

const cloneStep = (
  { options: { bundle } }: PlanContext,
  { mount, from, options }: PlannedMount,
  into: number,
): StepOf<'open_tree'> => ({
  op: 'open_tree',
  from,
  path: sourcePath(mount, bundle),
  resolve: RESOLVE_NO_MAGICLINKS,
  flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.bind === 'rbind' ? AT_RECURSIVE : 0) | sourceLink(options),
  into,
})

/** Whether the options make the whole tree private or slave. */
const isCut = ({ propagation }: MountOptions): boolean =>
  propagation.some(({ flag, recursive }) => recursive && flag !== MS_SHARED)

/**
 * For a source below an earlier mount of the config (by its path on the host): the path of the source below the
 * container's root.
 */
function sourceInside(
  { config, options: { bundle }, shared }: PlanContext,
  { mount }: PlannedMount,
): Pick<StepOf<'open_tree'>, 'at' | 'path' | 'resolve'> | undefined {
  const root = shortest(rootPath(bundle, config.root.path))
  const source = shortest(sourcePath(mount, bundle))
  if (!isBelow(source, root)) return undefined
  const path = source.slice(root.length)
  const earlier = config.mounts.slice(0, config.mounts.indexOf(mount))
  if (!earlier.some(({ destination }) => path === destination || isBelow(path, destination))) return undefined
  // A link of the image or of a volume could lead to a path that is masked later.
  return { at: shared.root, path, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS }
}

/** Init clones the source; the runtime only makes the user namespace of an id-mapped mount. */
function bindInside(
  context: PlanContext,
  planned: PlannedMount,
  clone: StepOf<'open_tree'>,
  steps: readonly Step[],
): SectionSteps {
  const { runtime, container } = ownIdMapSteps(context, planned, clone.into)
  return { runtime, container: [clone, ...container, ...steps] }
}
