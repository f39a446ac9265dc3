// Parses proc_pid_mountinfo(5) to a table: which directory of which file system is mounted where.

import { decodeOctal } from '../cgroup/hierarchies.ts'
import type { Native } from '../native.ts'

/** The identity of a mount: a directory or file of a file system. */
export interface MountIdentity {
  /** major:minor of the file system. */
  readonly device: string
  /** The path in that file system; it ends with `//deleted` if it has been removed. */
  readonly root: string
}

export interface MountLine extends MountIdentity {
  readonly id: string
  readonly parent: string
  readonly point: string
  /** Of the mount, not of the file system. */
  readonly options: readonly string[]
  readonly isReadOnly: boolean
  /** Whether the mount or its file system is read-only. */
  readonly isFixed: boolean
  /** Whether it is in a peer group or receives from one. */
  readonly isPropagated: boolean
  readonly type: string
}

export const parseMountTable = (mountinfo: string): MountLine[] =>
  mountinfo.split('\n').flatMap((line) => {
    const [id, parent, device, root, point, options] = line.split(' ')
    const separator = line.indexOf(' - ')
    if (!id || !parent || !device || !root || !point || !options || separator < 0) return []
    const type = line.slice(separator + 3).split(' ')[0] ?? ''
    const paths = { root: decodeOctal(root), point: decodeOctal(point) }
    const words = options.split(',')
    const isReadOnly = words.includes('ro')
    const isFixed = isReadOnly || line.slice(line.lastIndexOf(' ') + 1).split(',')[0] === 'ro'
    const isPropagated = / (shared|master):/.test(line.slice(0, separator))
    return [{ id, parent, device, ...paths, options: words, isReadOnly, isFixed, isPropagated, type }]
  })

/** The mounts of our own namespace; a mount comes before those mounted on it. */
export const hostTable = (native: Native): MountLine[] => parseMountTable(native.readFile('/proc/self/mountinfo'))

/** Whether `path` is `directory` or below it. */
export const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)

/** The mount that a path without links is on: the topmost one at the deepest mount point above it. */
export const mountAt = (table: readonly MountLine[], path: string): MountLine | undefined =>
  table
    .filter(({ point }) => isWithin(path, point))
    .reduce<MountLine | undefined>(
      (deepest, mount) => (deepest === undefined || mount.point.length >= deepest.point.length ? mount : deepest),
      undefined,
    )

/** The identity of an open file, by its path and mount id; undefined if the mount is not in the table. */
export function identityOf(table: readonly MountLine[], path: string, mount: string): MountIdentity | undefined {
  const line = table.find(({ id }) => id === mount)
  if (line === undefined || !isWithin(path, line.point)) return undefined
  const rest = path.slice(line.point === '/' ? 0 : line.point.length)
  const root = line.root === '/' ? rest || '/' : line.root + (rest === '/' ? '' : rest)
  return { device: line.device, root }
}
