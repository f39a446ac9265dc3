// maskedPaths and readonlyPaths (config-linux.md "Masked Paths", "Readonly Paths"), and sysctl ("Sysctl"): restricts
// what the container may see and change below /proc and /sys.

import { sysctlPath } from '../config/sysctl.ts'
import {
  AT_EMPTY_PATH,
  AT_RECURSIVE,
  MOUNT_ATTR_RDONLY,
  makedev,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROC_SUPER_MAGIC,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext } from './context.ts'
import { usesHostProc } from './host-proc.ts'
import { mountLabel } from './labels.ts'
import { detachedMountSteps, openTarget } from './mount-steps.ts'
import { findOwn } from './own-mounts.ts'

const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC

/** Adds the step that opens a path to be covered and returns its slot. A mount itself is already open. */
function openCovered(context: PlanContext, steps: Step[], from: string, path: string): number {
  const own = findOwn(context, path)
  if (own?.destination === path) return own.mount
  const into = temporary('target')
  const { root } = context.shared
  if (own === undefined) steps.push({ op: 'open_covered', from, root, path, into })
  else {
    const rest = path.slice(own.destination.length + 1)
    steps.push({ op: 'open_covered', from, root, path, mount: own.mount, rest, into })
  }
  return into
}

/**
 * maskedPaths, then readonlyPaths, because the read-only mounts are clones that must contain the masks. A link of the image may lead from
 * a read-only path to a directory above a masked one.
 */
export function coveredPathSteps(context: PlanContext): Step[] {
  const steps: Step[] = []
  const isWeak = RUNT_WEAKEN && isWeakened('masks-first')
  if (isWeak) addReadonlyPaths(context, steps)
  addMaskedPaths(context, steps)
  if (!isWeak) addReadonlyPaths(context, steps)
  return steps
}

/** Mounts a read-only clone of the path over itself. A path that does not exist needs no protection. */
function addReadonlyPaths(context: PlanContext, steps: Step[]): void {
  const copy = temporary('copy')
  for (const path of unique(context.linux.readonlyPaths)) {
    const from = `linux.readonlyPaths (${path})`
    const target = openCovered(context, steps, from, path)
    steps.push(
      { op: 'open_tree', from, at: target, flags: clone | AT_EMPTY_PATH | AT_RECURSIVE, into: copy },
      { op: 'mount_setattr', from, fd: copy, flags: AT_RECURSIVE, set: MOUNT_ATTR_RDONLY },
      { op: 'move_mount', from, mount: copy, to: target },
      endSection(from),
    )
  }
}

/** Covers a file with /dev/null, and a directory with an empty read-only tmpfs, which all of them share. */
function addMaskedPaths(context: PlanContext, steps: Step[]): void {
  const paths = unique(context.linux.maskedPaths)
  if (paths.length === 0) return
  const { slots } = context
  const from = 'linux.maskedPaths'
  const [file, directory] = [slots.allocate('/dev/null'), slots.allocate('empty directory')]
  // Checked to be the null device: with a swapped source the mask would expose another file (CVE-2025-31133).
  const source = openTarget(context, `${from} (/dev/null)`, '/dev/null', {
    resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    onMissing: 0,
  })
  const openNull: Step = { ...source, into: file, expectRdev: makedev(1, 3) }
  const empty: Step[] = detachedMountSteps({
    from,
    type: 'tmpfs',
    source: 'tmpfs',
    data: [],
    attributes: MOUNT_ATTR_RDONLY,
    into: directory,
    label: mountLabel(context),
  })
  steps.push(openNull, ...empty, endSection(from))
  const mask = temporary('mask')
  const flags = clone | AT_EMPTY_PATH
  for (const path of paths) {
    const from = `linux.maskedPaths (${path})`
    const target = openCovered(context, steps, from, path)
    steps.push(
      { op: 'open_tree', from, like: target, whenFile: file, whenDirectory: directory, flags, into: mask },
      { op: 'move_mount', from, mount: mask, to: target },
      endSection(from),
    )
  }
  steps.push({ op: 'close', from, slots: [file, directory] })
}

/** Writes through a descriptor of a procfs of our own. */
export function sysctlSteps(context: PlanContext): Step[] {
  if (Object.keys(context.linux.sysctl).length === 0 || usesHostProc(context)) return []
  const { proc, steps } = openProc(context, 'linux.sysctl')
  return [...steps, ...sysctlWrites(context, proc)]
}

/**
 * Follows no link and no mount on the procfs (CVE-2025-52881). In a user namespace names can only be set by system
 * calls.
 */
export function sysctlWrites({ linux }: PlanContext, proc: number): Step[] {
  return Object.entries(linux.sysctl).flatMap(([name, data]): Step[] => {
    const from = `linux.sysctl.${name}`
    const path = sysctlPath(name)
    if (path === 'kernel/domainname') return [{ op: 'setdomainname', from, name: data }]
    // Equal to `hostname`: see config/rules/sysctl.ts.
    if (path === 'kernel/hostname') return []
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
    return [{ op: 'write_file', from, at: proc, path: `sys/${path}`, data, expectFs: PROC_SUPER_MAGIC, resolve }]
  })
}

/**
 * Opens the procfs to write to: the one mounted for the container, before other processes can change it, or a detached
 * one.
 */
export function openProc(context: PlanContext, from: string): { proc: number; steps: Step[] } {
  if (context.shared.proc !== undefined) return { proc: context.shared.proc, steps: [] }
  const proc = context.slots.allocate('procfs')
  context.shared.proc = proc
  if (RUNT_WEAKEN && isWeakened('own-procfs'))
    return { proc, steps: [{ op: 'openat2', from, path: '/proc', flags: O_PATH, into: proc }] }
  const steps = detachedMountSteps({ from, type: 'proc', source: 'proc', data: [], attributes: 0, into: proc })
  return { proc, steps: [...steps, endSection(from)] }
}

const unique = (paths: readonly string[]): string[] => [...new Set(paths)]
