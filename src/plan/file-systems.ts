// Mounts of file systems (config.md "Mounts"): tmpfs, proc, devpts and whatever else the kernel has, made by fsopen(2) and its
// family; where their options are too long for that, by mount(2).

import {
  FSCONFIG_SET_STRING,
  MOUNT_ATTR_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { ON_MISSING_SKIP, type Step, type StepOf } from './launch-plan.ts'
import { mountFlags } from './mount-flags.ts'
import { type MountOptions, noAttributes } from './mount-options.ts'
import { attributeSteps, detachedMountSteps, openTarget, type PlannedMount, propagationSteps } from './mount-steps.ts'
import { endSection, temporary } from './slots.ts'

/** Types whose target must be a real directory: a link would let the image choose what /proc means (CVE-2019-19921). */
const strict = (type: string): boolean => type === 'proc' || type === 'sysfs'

/** One mount of the config that is neither a bind mount nor a cgroup. */
export function fileSystemSteps(context: PlanContext, planned: PlannedMount): Step[] {
  const { mount, from, options } = planned
  const type = mount.type ?? 'none'
  const data = labelled(context, type, options.data)
  if (data.some(isLong)) return classicMountSteps(context, planned, data)
  const into = keptSlot(context, planned, type)
  const later = isReadonlyLater(planned, type) ? MOUNT_ATTR_RDONLY : 0
  if (later !== 0) context.shared.readonlyLater.push({ from, mount: into })
  const attributes = options.attributes.set & ~later
  const make = detachedMountSteps({ from, type, source: mount.source ?? '', data, attributes, into })
  const finish = [
    ...attributeSteps(from, into, noAttributes, options.recursiveAttributes),
    ...propagationSteps(from, into, options),
  ]
  const own = nameInOwnDev(context, mount.destination)
  if (own !== undefined && !options.tmpcopyup)
    return [
      ...make,
      ...finish,
      { op: 'mkdirat', from, at: own.dev, path: own.name, mode: 0o755 },
      { op: 'move_mount', from, mount: into, to: own.dev, path: own.name },
    ]
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (strict(type) ? RESOLVE_NO_SYMLINKS : 0)
  const target = openTarget(context, from, mount.destination, { resolve })
  const copyUp: Step[] = options.tmpcopyup ? [{ op: 'copy_up', from, source: target.into, to: into }] : []
  return [
    ...(type === 'tmpfs' ? modeOfCovered(context, planned, make, target) : [...make, target]),
    ...copyUp,
    ...finish,
    { op: 'move_mount', from, mount: into, to: target.into },
  ]
}

/**
 * A file system of a block device is mounted by the runtime, since init is in the cgroup already and may not be allowed to open
 * the device. It is read-only itself, too, for the device may be.
 */
export function deviceMountSteps(context: PlanContext, { mount, from, options }: PlannedMount): SectionSteps {
  const { type = '', source = '', destination } = mount
  const into = context.slots.allocate(`mount ${destination}`)
  const data = [...(isReadonly(options) ? ['ro'] : []), ...labelled(context, type, options.data)]
  const { set } = options.attributes
  const make = detachedMountSteps({ from, type, source, data, attributes: set, into })
  const target = openTarget(context, from, destination, {})
  return {
    runtime: [...make, endSection(from)],
    container: [
      ...attributeSteps(from, into, noAttributes, options.recursiveAttributes),
      ...propagationSteps(from, into, options),
      target,
      { op: 'move_mount', from, mount: into, to: target.into },
    ],
  }
}

export const isOnDevice = ({ mount }: PlannedMount): boolean =>
  mount.source?.startsWith('/dev/') === true && mount.type !== 'tmpfs'

/** fsconfig(2) takes values of up to 255 bytes; an overlay's list of layers may have more. */
const isLong = (option: string): boolean =>
  option.length > 85 && utf8Length(option.slice(option.indexOf('=') + 1)) > 255

const utf8Length = (text: string): number =>
  [...text].reduce((length, c) => length + (c < '\u0080' ? 1 : c < '\u0800' ? 2 : c.length === 1 ? 3 : 4), 0)

/** mount(2), which takes a page of options; onto the current directory, so that the target is used by descriptor all the same. */
function classicMountSteps(
  context: PlanContext,
  { mount, from, options }: PlannedMount,
  data: readonly string[],
): Step[] {
  const target = openTarget(context, from, mount.destination, {})
  const { source, type } = mount
  // With its attributes at once: the mount can only be opened by its path, which may lead somewhere else by then.
  const flags = mountFlags(options.attributes.set)
  const steps: Step[] = [
    target,
    { op: 'fchdir', from, fd: target.into },
    { op: 'mount', from, source, target: '.', fstype: type, flags, data: data.join(',') },
  ]
  const mounted = openTarget(context, from, mount.destination, { onMissing: 0 })
  const changes = [
    ...attributeSteps(from, mounted.into, noAttributes, options.recursiveAttributes),
    ...propagationSteps(from, mounted.into, options),
  ]
  return changes.length === 0 ? steps : [...steps, mounted, ...changes]
}

/** A name directly in the tmpfs that was just mounted on /dev: nothing hostile is in it, so it needs no lookup. */
function nameInOwnDev({ config, shared }: PlanContext, destination: string): { dev: number; name: string } | undefined {
  const name = destination.slice('/dev/'.length)
  const isChild = destination.startsWith('/dev/') && name !== '' && name !== '.' && name !== '..' && !name.includes('/')
  const isTmpfs = config.mounts.some((mount) => mount.destination === '/dev' && mount.type === 'tmpfs')
  return isChild && isTmpfs && shared.dev !== undefined ? { dev: shared.dev, name } : undefined
}

/** A tmpfs without `mode=` takes over the mode of the directory it covers, if there is one (as runc). */
function modeOfCovered(
  context: PlanContext,
  { mount, from, options }: PlannedMount,
  make: Step[],
  target: Step,
): Step[] {
  if (options.data.some((option) => option.startsWith('mode='))) return [...make, target]
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

/** As runc: those that SELinux labels file by file keep their own. Unlike the text of mount(8), fsconfig(2) takes no quotes. */
const unlabelled = ['proc', 'sysfs', 'mqueue']

function labelled({ linux, facts }: PlanContext, type: string, data: readonly string[]): readonly string[] {
  if (linux.mountLabel === undefined || !facts.selinux || unlabelled.includes(type)) return data
  return [...data, `context=${linux.mountLabel}`]
}

/** The slot a new mount goes to; those that later sections write to are remembered. */
function keptSlot({ slots, shared }: PlanContext, planned: PlannedMount, type: string): number {
  const { destination } = planned.mount
  const kept = keptName(planned, type)
  const isOwn = isOwnMount(planned.mount, type)
  if (kept === undefined && !isOwn && !isReadonlyLater(planned, type)) return temporary('mount')
  const slot = slots.allocate(destination)
  if (kept !== undefined) shared[kept] = slot
  if (isOwn) shared.own.push({ prefix: `${destination}/`, mount: slot })
  return slot
}

/** The file systems whose paths are masked and made read-only. */
const isOwnMount = ({ destination }: PlannedMount['mount'], type: string): boolean =>
  destination === '/dev' || (type === 'proc' && destination === '/proc') || (type === 'sysfs' && destination === '/sys')

/** A read-only procfs is of no use to those who want to write there. */
function keptName({ mount, options }: PlannedMount, type: string): 'proc' | 'dev' | 'devpts' | undefined {
  const { destination } = mount
  if (type === 'proc' && destination === '/proc' && !isReadonly(options)) return 'proc'
  if (type === 'devpts' && destination === '/dev/pts') return 'devpts'
  return destination === '/dev' ? 'dev' : undefined
}

const isReadonly = ({ attributes }: MountOptions): boolean => (attributes.set & MOUNT_ATTR_RDONLY) !== 0

/** Devices are made in /dev, and targets of other mounts in any tmpfs, which has nothing in it by itself. */
const isReadonlyLater = ({ mount, options }: PlannedMount, type: string): boolean =>
  isReadonly(options) && (type === 'tmpfs' || mount.destination === '/dev')
