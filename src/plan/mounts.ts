// mounts (config.md "Mounts"): each entry becomes a detached mount that is finished before it is attached, so that nobody ever
// sees it half made. Targets are resolved inside the root and used by descriptor; sources are host paths.

import type { Mount } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { planCgroupMount } from './cgroup-mount.ts'
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  MOUNT_ATTR_RDONLY,
  O_CLOEXEC,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from './constants.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { idMapSteps, isIdMapped } from './id-mapped-mounts.ts'
import { ON_MISSING_LIKE, ON_MISSING_MKDIR, ON_MISSING_SKIP, type Step, type StepOf } from './launch-plan.ts'
import { type MountOptions, readMountOptions } from './mount-options.ts'
import { sourcePropagation, wantsShared } from './root.ts'

/** All mounts, in the order of the config. Fills shared.proc, shared.dev and shared.devpts. */
export function mountSteps(context: PlanContext): SectionSteps {
  const runtime: Step[] = []
  const container: Step[] = []
  context.config.mounts.forEach((mount, index) => {
    const part = planMount(context, mount, index)
    runtime.push(...part.runtime)
    container.push(...part.container)
  })
  return { runtime, container }
}

export interface PlannedMount {
  readonly mount: Mount
  readonly from: string
  readonly options: MountOptions
}

function planMount(context: PlanContext, mount: Mount, index: number): SectionSteps {
  const options = readMountOptions(mount.options)
  const isBind = options.bind !== 'no' || mount.type === 'bind'
  const what = isBind ? (mount.source ?? 'bind') : (mount.type ?? 'none')
  const planned: PlannedMount = { mount, from: `mounts[${index}] (${what} at ${mount.destination})`, options }
  if (isIdMapped(planned) && (!isBind || options.remount))
    throw new RuntError('config', `${planned.from}: only bind mounts can be id-mapped`, { path: `mounts[${index}]` })
  if (options.remount) return { runtime: [], container: remountSteps(context, planned) }
  if (isBind) return bindSteps(context, planned)
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return planCgroupMount(context, planned)
  return { runtime: [], container: fileSystemSteps(context, planned) }
}

/** Open the target below the root, making it as needed. */
export function openTarget(
  context: PlanContext,
  from: string,
  path: string,
  how: Partial<Pick<StepOf<'openat2'>, 'onMissing' | 'like' | 'resolve'>>,
): StepOf<'openat2'> {
  return {
    op: 'openat2',
    from,
    at: context.shared.root,
    path,
    flags: O_PATH | O_CLOEXEC,
    resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    onMissing: ON_MISSING_MKDIR,
    into: context.slots.temporary(`target ${path}`),
    ...how,
  }
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
  const tree = byRuntime ? slots.allocate(name) : slots.temporary(name)
  const recursive = options.bind === 'rbind' ? AT_RECURSIVE : 0
  const clone: Step = {
    op: 'open_tree',
    from,
    path: source.startsWith('/') ? source : `${bundle}/${source}`,
    flags: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive,
    into: tree,
  }
  const target = openTarget(context, from, mount.destination, { onMissing: ON_MISSING_LIKE, like: tree })
  if (mount.destination === '/dev') context.shared.dev = undefined
  const steps = [
    ...attributeSteps(from, tree, options),
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

function attributeSteps(from: string, fd: number, { attributes, recursiveAttributes }: MountOptions): Step[] {
  const steps: Step[] = []
  if (attributes.set !== 0 || attributes.clear !== 0) steps.push({ op: 'mount_setattr', from, fd, ...attributes })
  if (recursiveAttributes.set !== 0 || recursiveAttributes.clear !== 0)
    steps.push({ op: 'mount_setattr', from, fd, flags: AT_RECURSIVE, ...recursiveAttributes })
  return steps
}

const propagationSteps = (from: string, fd: number, { propagation }: MountOptions): Step[] =>
  propagation.map(({ flag, recursive }) => ({
    op: 'mount_setattr',
    from,
    fd,
    flags: recursive ? AT_RECURSIVE : 0,
    propagation: flag,
  }))

function remountSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  const target = openTarget(context, from, mount.destination, { onMissing: 0 })
  return [target, ...attributeSteps(from, target.into, options), ...propagationSteps(from, target.into, options)]
}

/** One fsconfig(2) for each option of a file system. */
export const dataSteps = (from: string, fs: number, data: readonly string[]): Step[] =>
  data.map((option) => {
    const equals = option.indexOf('=')
    if (equals < 0) return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_FLAG, key: option }
    const [key, value] = [option.slice(0, equals), option.slice(equals + 1)]
    return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key, value }
  })

/** Make a detached mount of a file system; the descriptor ends up in `into`. */
export function detachedMountSteps(
  context: PlanContext,
  planned: { from: string; type: string; source: string; data: readonly string[]; attributes: number; into: number },
): Step[] {
  const { from, type, source, into } = planned
  const fs = context.slots.temporary(`fs ${type}`)
  const named: Step[] =
    source === '' ? [] : [{ op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key: 'source', value: source }]
  return [
    { op: 'fsopen', from, fstype: type, into: fs },
    ...named,
    ...dataSteps(from, fs, planned.data),
    { op: 'fsconfig', from, fs, command: FSCONFIG_CMD_CREATE },
    { op: 'fsmount', from, fs, attributes: planned.attributes, into },
  ]
}

/** Types whose target must be a real directory: a link would let the image choose what /proc means (CVE-2019-19921). */
const strict = (type: string): boolean => type === 'proc' || type === 'sysfs'

function fileSystemSteps(context: PlanContext, planned: PlannedMount): Step[] {
  const { mount, from, options } = planned
  const type = mount.type ?? 'none'
  const data = labelled(context, type, options.data)
  if (data.some(isLong)) return classicMountSteps(context, planned, data)
  const into = keptSlot(context, planned, type)
  const later = isReadonlyLater(planned, type) ? MOUNT_ATTR_RDONLY : 0
  if (later !== 0) context.shared.readonlyLater.push({ from, mount: into })
  const attributes = options.attributes.set & ~later
  const make = detachedMountSteps(context, { from, type, source: mount.source ?? '', data, attributes, into })
  const finish = [
    ...attributeSteps(from, into, { ...options, attributes: { set: 0, clear: 0 } }),
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
  const mounted = openTarget(context, from, mount.destination, { onMissing: 0 })
  const { source, type } = mount
  return [
    target,
    { op: 'fchdir', from, fd: target.into },
    { op: 'mount', from, source, target: '.', fstype: type, data: data.join(',') },
    mounted,
    ...attributeSteps(from, mounted.into, options),
    ...propagationSteps(from, mounted.into, options),
  ]
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
  if (kept === undefined && !isReadonlyLater(planned, type)) return slots.temporary(`mount ${destination}`)
  const slot = slots.allocate(destination)
  if (kept !== undefined) shared[kept] = slot
  return slot
}

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
