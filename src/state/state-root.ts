// The directory for the state of containers: --root, /run/runt, or for other users than root $XDG_RUNTIME_DIR/runt. And
// which ids may be names of directories in it.

import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'

const DEFAULT_ROOT = '/run/runt'
/**
 * systemd-tmpfiles(8) and similar programs remove old files without the sticky bit from $XDG_RUNTIME_DIR (XDG Base
 * Directory).
 */
const STICKY_PRIVATE = 0o1700
const PRIVATE = 0o700
const LONGEST_ID = 1024

export interface StateRoot {
  readonly path: string
  /** Not given by --root: then `list` accepts that it does not exist. */
  readonly isDefault: boolean
  readonly mode: number
}

export function stateRoot(native: Native, option: string | undefined): StateRoot {
  if (option === '') throw new RuntError('usage', '--root is empty: it must name a directory')
  if (option !== undefined) return { path: absolute(native, option), isDefault: false, mode: PRIVATE }
  const own = ownDirectory(native)
  if (own === undefined) return { path: DEFAULT_ROOT, isDefault: true, mode: PRIVATE }
  return { path: `${own}/runt`, isDefault: true, mode: STICKY_PRIVATE }
}

/**
 * The file with the locks for cgroups (cgroup/claim.ts), the same for every --root: two state roots may use one cgroup.
 */
export const claimsFile = (native: Native): string => `${ownDirectory(native) ?? '/run'}/runt.lock`

/** $XDG_RUNTIME_DIR, for other users than root. */
function ownDirectory(native: Native): string | undefined {
  const directory = native.env('XDG_RUNTIME_DIR')
  if (directory === undefined || directory === '' || isRoot(native)) return undefined
  return absolute(native, directory)
}

/**
 * As in runc: root of the host, or root of a user namespace with USER=root. Otherwise the directory is that of the user
 * who created the namespace; engines set no USER there.
 */
export function isRoot(native: Native): boolean {
  if (native.euid() !== 0) return false
  return native.env('USER') === 'root' || !isInUserNamespace(native)
}

/**
 * namespaces(7): the inode of the initial one is part of the kernel's interface. Unreadable: no /proc, or no user
 * namespaces.
 */
function isInUserNamespace(native: Native): boolean {
  const own = native.readLink('/proc/self/ns/user')
  return own !== undefined && own !== 'user:[4026531837]'
}

export function absolute(native: Native, path: string): string {
  return path.startsWith('/') ? path : `${native.cwd()}/${path}`
}

/** Why the state cannot be written, and how it can. */
export function stateHint(native: Native, directory: string, code: string | undefined): string {
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `the file system of ${directory} is full: free space, or choose another --root`
  if (code === 'EROFS') return 'choose another --root'
  if (code !== 'EACCES' && code !== 'EPERM') return ''
  const uid = native.euid()
  const isUnset = uid !== 0 && !native.env('XDG_RUNTIME_DIR')
  return isUnset
    ? `uid ${uid} is not root, and XDG_RUNTIME_DIR is not set: set it, or use --root`
    : `choose another --root for uid ${uid}`
}

/** Creates the state root if it does not exist. */
export function makeStateRoot(native: Native, root: StateRoot): void {
  try {
    native.mkdirAll(root.path, root.mode)
  } catch (error) {
    throw hostFailure(`state root ${root.path}`, error, stateHint(native, root.path, errnoOf(error)))
  }
}

/** Throws for an id that could name anything but a directory in the state root. */
export function checkId(id: string): void {
  const problem = idProblem(id)
  if (problem !== undefined) throw new RuntError('usage', `invalid container id ${JSON.stringify(id)}: ${problem}`)
}

export function idProblem(id: string): string | undefined {
  if (id === '') return 'it is empty'
  if (id.length > LONGEST_ID) return `longer than ${LONGEST_ID} characters`
  if (id === '.' || id === '..') return 'it names a directory above'
  if (!/^[A-Za-z0-9_+.-]+$/.test(id)) return 'only letters, digits and _ + - . are allowed'
  return undefined
}
