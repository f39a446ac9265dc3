// Mounts of file systems (config.md "Mounts"): tmpfs, proc, devpts and other types, created with fsopen(2), or with
// mount(2) if their options are too long for fsconfig(2).

import {
  FSCONFIG_SET_STRING,
  MOUNT_ATTR_RDONLY,
  MS_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_SKIP, type Step, type StepOf } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { directoryLabelSteps } from './labels.ts'
import { classicData, isLong, isLongValue, labelled, refuseLong, separateLayers } from './mount-data.ts'
import { joinFlags, type MountFlags, newMountAttributes, noFlags } from './mount-flags.ts'
import type { DataOption, MountOptions } from './mount-options.ts'
import { detachedMountSteps, openTarget, type PlannedMount, propagationSteps, refuseProc } from './mount-steps.ts'
import { isKept, keepOwn } from './own-mounts.ts'

/**
 * Types whose target must be a real directory: with a link the image could choose where /proc is mounted
 * (CVE-2019-19921).
 */
const strict = (type: string): boolean => type === 'proc' || type === 'sysfs'

/** Steps for a mount that is neither a bind mount nor of type cgroup. */
export function fileSystemSteps(context: PlanContext, planned: PlannedMount): Step[] {
  const { mount, from, options } = planned
  const type = mount.type ?? 'none'
  const all = labelled(context, type, options.data)
  const source = mount.source ?? ''
  const long = all.some(isLong) || isLongValue(source)
  const classic = long ? classicData(all) : undefined
  if (classic !== undefined) return classicMountSteps(context, planned, classic)
  const data = long ? fitting(from, type, all) : all
  const into = keptSlot(context, planned, type)
  const later = isReadonlyLater(planned, type) ? MOUNT_ATTR_RDONLY : 0
  if (later !== 0) context.shared.readonlyLater.push({ from, mount: into })
  const attributes = newMountAttributes(ownFlags(options)) & ~later
  const make = detachedMountSteps({ from, type, source, data, attributes, into })
  const finish = [...propagationSteps(from, into, options), ...directoryLabelSteps(context, from, type, into)]
  const own = nameInOwnDev(context, mount.destination)
  if (own !== undefined && !options.tmpcopyup)
    return [
      ...make,
      ...finish,
      { op: 'mkdirat', from, at: own.dev, path: own.name, mode: 0o755 },
      { op: 'move_mount', from, mount: into, to: own.dev, path: own.name },
    ]
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (strict(type) ? RESOLVE_NO_SYMLINKS : 0)
  const target = openTarget(context, from, mount.destination, {
    resolve,
    ...(strict(type) ? {} : { refuseProc: refuseProc({ type }) }),
  })
  const copyUp: Step[] = options.tmpcopyup ? [{ op: 'copy_up', from, source: target.into, to: into }] : []
  return [
    ...(type === 'tmpfs' ? modeOfCovered(context, planned, make, target) : [...make, target]),
    ...copyUp,
    ...finish,
    { op: 'move_mount', from, mount: into, to: target.into },
  ]
}

/**
 * The runtime mounts a file system of a block device, because init is already in the cgroup and may not be allowed to open the device.
 * ro also makes the superblock read-only, because the device may be.
 */
export function deviceMountSteps(context: PlanContext, { mount, from, options }: PlannedMount): SectionSteps {
  const { type = '', source = '', destination } = mount
  const into = context.slots.allocate(`mount ${destination}`)
  const data = [...(isReadonly(options) ? [{ text: 'ro' }] : []), ...labelled(context, type, options.data)]
  const attributes = newMountAttributes(ownFlags(options))
  const make = detachedMountSteps({ from, type, source, data: fitting(from, type, data), attributes, into })
  const target = openTarget(context, from, destination, { refuseProc: refuseProc({ type }) })
  if (isKept(context, destination)) keepOwn(context, destination, into)
  return {
    runtime: [...make, endSection(from)],
    container: [
      ...propagationSteps(from, into, options),
      target,
      { op: 'move_mount', from, mount: into, to: target.into },
    ],
  }
}

export const isOnDevice = ({ mount }: PlannedMount): boolean =>
  mount.source?.startsWith('/dev/') === true && mount.type !== 'tmpfs'

/** A new file system has no submounts. */
const ownFlags = ({ flags, recursiveFlags }: MountOptions): MountFlags =>
  recursiveFlags === noFlags ? flags : joinFlags(flags, recursiveFlags)

/** The options for fsconfig(2). An overlay's list of layers may have any length; a single layer may not. */
function fitting(from: string, type: string, data: readonly DataOption[]): readonly DataOption[] {
  if (!data.some(isLong)) return data
  const fit = type === 'overlay' ? separateLayers(data) : data
  refuseLong(from, fit)
  return fit
}

/**
 * mount(2), which takes a page of options, on the current directory, so that the target is still used by descriptor.
 */
function classicMountSteps(context: PlanContext, { mount, from, options }: PlannedMount, data: string): Step[] {
  const { source, type = '' } = mount
  const target = openTarget(context, from, mount.destination, { refuseProc: refuseProc({ type }) })
  // With its attributes at once: the mount can only be reopened by its path, which may have been replaced by then.
  const flags = ownFlags(options).set
  const steps: Step[] = [
    target,
    { op: 'fchdir', from, fd: target.into },
    { op: 'mount', from, source, target: '.', fstype: type, flags, data },
  ]
  const mounted = openTarget(context, from, mount.destination, { onMissing: 0 })
  const changes = propagationSteps(from, mounted.into, options)
  return changes.length === 0 ? steps : [...steps, mounted, ...changes]
}

/** A name directly in the tmpfs just mounted on /dev: it is empty and trusted, so the name needs no lookup. */
function nameInOwnDev({ config, shared }: PlanContext, destination: string): { dev: number; name: string } | undefined {
  const name = destination.slice('/dev/'.length)
  const isChild = destination.startsWith('/dev/') && name !== '' && name !== '.' && name !== '..' && !name.includes('/')
  const isTmpfs = config.mounts.some((mount) => mount.destination === '/dev' && mount.type === 'tmpfs')
  return isChild && isTmpfs && shared.dev !== undefined ? { dev: shared.dev, name } : undefined
}

/** A tmpfs without `mode=` gets the mode of the directory it covers, if there is one (as in runc). */
function modeOfCovered(
  context: PlanContext,
  { mount, from, options }: PlannedMount,
  make: Step[],
  target: Step,
): Step[] {
  if (options.data.some(({ text }) => text.startsWith('mode=') || text.includes(',mode='))) return [...make, target]
  const covered = openTarget(context, from, mount.destination, { onMissing: ON_MISSING_SKIP })
  const open = make[0] as StepOf<'fsopen'>
  const mode: Step = {
    op: 'fsconfig',
    from,
    fs: open.into,
    command: FSCONFIG_SET_STRING,
    key: 'mode',
    modeOf: covered.into,
  }
  return [covered, open, mode, ...make.slice(1), target]
}

/** The slot for a new mount; shared slots are recorded for later sections. */
function keptSlot(context: PlanContext, planned: PlannedMount, type: string): number {
  const { slots, shared } = context
  const { destination } = planned.mount
  const kept = keptName(planned, type)
  const isOwn = isOwnMount(context, planned.mount, type)
  if (kept === undefined && !isOwn && !isReadonlyLater(planned, type)) return temporary('mount')
  const slot = slots.allocate(destination)
  if (kept !== undefined) shared[kept] = slot
  if (isOwn) keepOwn(context, destination, slot)
  return slot
}

/** File systems whose paths are masked and made read-only. */
const isOwnMount = (context: PlanContext, { destination }: PlannedMount['mount'], type: string): boolean =>
  destination === '/dev' ||
  (type === 'proc' && destination === '/proc') ||
  (type === 'sysfs' && destination === '/sys') ||
  isKept(context, destination)

/** Later sections that write cannot use a read-only procfs. */
function keptName({ mount, options }: PlannedMount, type: string): 'proc' | 'dev' | 'devpts' | undefined {
  const { destination } = mount
  if (type === 'proc' && destination === '/proc' && !isReadonly(options)) return 'proc'
  if (type === 'devpts' && destination === '/dev/pts') return 'devpts'
  return destination === '/dev' ? 'dev' : undefined
}

const isReadonly = (options: MountOptions): boolean => (ownFlags(options).set & MS_RDONLY) !== 0

/** Devices are created in /dev, and targets of other mounts in any tmpfs, which starts empty. */
const isReadonlyLater = ({ mount, options }: PlannedMount, type: string): boolean =>
  isReadonly(options) && (type === 'tmpfs' || mount.destination === '/dev')
