// maskedPaths and readonlyPaths (config-linux.md "Masked Paths", "Readonly Paths"), and sysctl ("Sysctl"): what of /proc and /sys the container
// may see and change.

import { isWeakened } from '../weaken.ts'
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
} from './constants.ts'
import type { PlanContext } from './context.ts'
import { ON_MISSING_SKIP, type Step, type StepOf } from './launch-plan.ts'
import { detachedMountSteps, openTarget } from './mount-steps.ts'
import { endSection, temporary } from './slots.ts'

/** A masked or read-only path is never followed through a link: the image would choose what it protects. */
const resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC

/**
 * The path to protect. Below a file system that the runtime mounted it is resolved from that mount's descriptor: somebody else
 * may exchange the directory in the root file system that the mount is on, and the path would lead past it.
 */
function openProtected(context: PlanContext, from: string, path: string): StepOf<'openat2'> {
  const onMissing = ON_MISSING_SKIP
  for (const { prefix, mount } of context.shared.own) {
    if (!path.startsWith(prefix) || !isPlain(path) || (RUNT_WEAKEN && isWeakened('own-mounts'))) continue
    const rest = path.slice(prefix.length)
    return openTarget(context, from, rest, { at: mount, resolve: resolve | RESOLVE_BENEATH, onMissing })
  }
  return openTarget(context, from, path, { resolve: resolve | RESOLVE_IN_ROOT, onMissing })
}

/** Without names that would have to be worked out first. */
const isPlain = (path: string): boolean => !path.includes('//') && !path.includes('/.') && !path.endsWith('/')

/** A copy of the path's own mount, read-only, over itself. What does not exist needs no protection. */
export function readonlyPathSteps(context: PlanContext): Step[] {
  const steps: Step[] = []
  const copy = temporary('copy')
  for (const path of unique(context.linux.readonlyPaths)) {
    const from = `linux.readonlyPaths (${path})`
    const target = openProtected(context, from, path)
    steps.push(
      target,
      { op: 'open_tree', from, at: target.into, flags: clone | AT_EMPTY_PATH | AT_RECURSIVE, into: copy },
      { op: 'mount_setattr', from, fd: copy, flags: AT_RECURSIVE, set: MOUNT_ATTR_RDONLY },
      { op: 'move_mount', from, mount: copy, to: target.into },
      endSection(from),
    )
  }
  return steps
}

/** Over a file comes /dev/null, over a directory an empty read-only tmpfs, one for all. */
export function maskedPathSteps(context: PlanContext): Step[] {
  const paths = unique(context.linux.maskedPaths)
  if (paths.length === 0) return []
  const { slots } = context
  const from = 'linux.maskedPaths'
  const [file, directory] = [slots.allocate('/dev/null'), slots.allocate('empty directory')]
  // Checked to be null itself: a swapped source would make the mask a window (CVE-2025-31133).
  const source = openTarget(context, `${from} (/dev/null)`, '/dev/null', {
    resolve: resolve | RESOLVE_IN_ROOT,
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
  })
  const container: Step[] = [openNull, ...empty, endSection(from)]
  const mask = temporary('mask')
  const flags = clone | AT_EMPTY_PATH
  for (const path of paths) {
    const from = `linux.maskedPaths (${path})`
    const target = openProtected(context, from, path)
    container.push(
      target,
      { op: 'open_tree', from, like: target.into, whenFile: file, whenDirectory: directory, flags, into: mask },
      { op: 'move_mount', from, mount: mask, to: target.into },
      endSection(from),
    )
  }
  container.push({ op: 'close', from, slots: [file, directory] })
  return container
}

/** Written through a descriptor of a procfs of our own; no link and no mount on it is followed (CVE-2025-52881). */
export function sysctlSteps(context: PlanContext): Step[] {
  const entries = Object.entries(context.linux.sysctl)
  if (entries.length === 0) return []
  const { proc, steps } = openProc(context, 'linux.sysctl')
  return [
    ...steps,
    ...entries.map(
      ([name, data]): Step => ({
        op: 'write_file',
        from: `linux.sysctl.${name}`,
        at: proc,
        path: `sys/${sysctlPath(name)}`,
        data,
        expectFs: PROC_SUPER_MAGIC,
        resolve: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
      }),
    ),
  ]
}

/** `net.ipv4.conf.eth0/1.forwarding` and `net/ipv4/conf/eth0.1/forwarding` are the same: the first separator decides (sysctl(8)). */
export function sysctlPath(name: string): string {
  const dot = name.indexOf('.')
  const slash = name.indexOf('/')
  if (dot < 0 || (slash >= 0 && slash < dot)) return name
  return [...name].map((c) => (c === '.' ? '/' : c === '/' ? '.' : c)).join('')
}

/** The procfs that plans write to: the one mounted for the container, while it is still only ours, or a detached one. */
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
