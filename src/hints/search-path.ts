// Finds the directory on a path of the host that a user cannot search, by its mode and owner (path_resolution(7)).

import type { IdMapping } from '../config/config.ts'
import { attempt } from '../errors.ts'
import type { FileStatus, Native } from '../native.ts'
import { octal } from './facts.ts'

/** A user of the host. */
export interface Who {
  readonly uid: number
  readonly gid: number
}

const SEARCH = 1
const WRITE = 2

/** Whether the permission bits allow the access. Access control lists and supplementary groups are not considered. */
export function isAllowed({ uid, gid, mode }: FileStatus, who: Who, want: number): boolean {
  const bits = uid === who.uid ? mode >> 6 : gid === who.gid ? mode >> 3 : mode
  return (bits & want) === want
}

export const described = ({ mode, uid }: FileStatus): string => `mode ${octal(mode)}, uid ${uid}`

/** The first directory on the way to `path` that `who` cannot search, as `/a/b (mode 0700, uid 0)`. */
export function unsearchable(native: Native, path: string, who: Who): string | undefined {
  const names = path.split('/').filter((name) => name !== '')
  for (let count = 0; count <= names.length; count++) {
    const way = `/${names.slice(0, count).join('/')}`
    const status = attempt(() => native.status(way))
    if (status?.kind !== 'directory') return undefined
    if (!isAllowed(status, who, SEARCH)) return `${way} (${described(status)})`
  }
  return undefined
}

/** `path` as above, if `who` cannot create files in it. */
export function unwritable(native: Native, path: string, who: Who): string | undefined {
  const status = attempt(() => native.status(path))
  return status === undefined || isAllowed(status, who, WRITE | SEARCH) ? undefined : `${path} (${described(status)})`
}

/** The id on the host of an id in the container; undefined: not mapped. */
export function hostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return found && found.hostID + id - found.containerID
}
