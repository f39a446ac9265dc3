// Decides where CRIU finds the host's mounts: each mount of the host, with the attributes of the container's mounts of
// it, in a directory of CRIU's own; CRIU gets paths below them. A source is not a mount by itself: CRIU restores
// propagation by copying it from the mount that a source is on. CRIU uses one mount for a whole peer group, so it must
// show at least as much as the widest of them.

import { isWithin, type MountLine } from '../host/mount-table.ts'
import { type ExternalMount, MASK_NAME } from './external.ts'
import { type StagedMount, stagedPath } from './staged-mounts.ts'

export interface Staging {
  readonly mounts: readonly StagedMount[]
  /** CRIU's names, with the paths of their sources. */
  readonly names: readonly { readonly name: string; readonly source: string }[]
}

/** `realPath`: that of a source; undefined if it does not exist, or not yet, as for a new cgroup. */
export function planStaging(
  all: readonly ExternalMount[],
  table: readonly MountLine[],
  realPath: (mount: ExternalMount) => string | undefined,
  directory: string,
): Staging {
  const mounts = new Map<string, { readonly mount: StagedMount; readonly index: number }>()
  const names = all.map((external) => {
    const path = realPath(external) ?? external.source
    const point = pointOf(table, path)
    const { from, attributes } = external
    const key = JSON.stringify([point, attributes])
    const known = mounts.get(key) ?? { mount: { from, point, attributes }, index: mounts.size }
    mounts.set(key, known)
    const rest = path.slice(point === '/' ? 0 : point.length)
    return { name: external.name, source: stagedPath(directory, known.index) + rest }
  })
  const mask = { name: MASK_NAME, source: stagedPath(directory, 'empty') }
  return { mounts: [...mounts.values()].map(({ mount }) => mount), names: [...names, mask] }
}

/** The mount point of the mount that a path is on. */
const pointOf = (table: readonly MountLine[], path: string): string =>
  table.reduce((best, { point }) => (point.length > best.length && isWithin(path, point) ? point : best), '/')
