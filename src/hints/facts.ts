// Small facts that several hints need, from /proc and the cgroup file systems of the host.

import { hasNamespace } from '../config/has-namespace.ts'
import { attempt } from '../errors.ts'
import { hostTable, type MountLine } from '../host/mount-table.ts'
import type { Native } from '../native.ts'
import type { Failure } from './failure.ts'

const LARGEST = 1 << 20

/** The text of a file of the host. */
export const textOf = (native: Native, path: string): string | undefined =>
  attempt(() => native.readFile(path, LARGEST).trim())

/** The names in a directory of the host. */
export const namesIn = (native: Native, path: string): readonly string[] =>
  attempt(() => native.readDirectory(path)) ?? []

/** Whether the container has, or joins, a user namespace. */
export const isInUserNamespace = ({ config }: Failure): boolean =>
  config !== undefined && hasNamespace(config.linux, 'user')

/** The mounts of the runtime's mount namespace. */
export const mountsOf = (native: Native): readonly MountLine[] => attempt(() => hostTable(native)) ?? []

export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

/** The first directory or file on the way to an absolute path of the host that does not exist. */
export function firstMissing(native: Native, path: string): string | undefined {
  if (!path.startsWith('/')) return undefined
  let way = ''
  for (const name of path.split('/').filter((part) => part !== '')) {
    way += `/${name}`
    const isThere = attempt(() => native.status(way) !== undefined)
    if (isThere === undefined) return undefined
    if (!isThere) return way
  }
  return undefined
}

export const octal = (mode: number): string => `0${mode.toString(8)}`
