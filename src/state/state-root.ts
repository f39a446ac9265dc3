// Where the state of containers is kept: --root, or /run/runt, or for others than root $XDG_RUNTIME_DIR/runt. And which ids
// may name a directory in it.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'

const DEFAULT_ROOT = '/run/runt'
/** Without the sticky bit systemd-tmpfiles(8) and the like clear $XDG_RUNTIME_DIR of what is old (XDG Base Directory). */
const STICKY_PRIVATE = 0o1700
const PRIVATE = 0o700
const LONGEST_ID = 1024

export interface StateRoot {
  readonly path: string
  /** Not named by --root: then it need not exist to be listed. */
  readonly isDefault: boolean
  readonly mode: number
}

export function stateRoot(native: Native, option: string | undefined): StateRoot {
  if (option !== undefined && option !== '') return { path: absolute(native, option), isDefault: false, mode: PRIVATE }
  const own = ownDirectory(native)
  if (own === undefined) return { path: DEFAULT_ROOT, isDefault: true, mode: PRIVATE }
  return { path: `${own}/runt`, isDefault: true, mode: STICKY_PRIVATE }
}

/** The file whose bytes are locked for cgroups (cgroup/claim.ts), whatever --root is: two state roots may use one cgroup. */
export const claimsFile = (native: Native): string => `${ownDirectory(native) ?? '/run'}/runt.lock`

/** $XDG_RUNTIME_DIR of others than root. */
function ownDirectory(native: Native): string | undefined {
  const directory = native.env('XDG_RUNTIME_DIR')
  if (directory === undefined || directory === '' || isRoot(native)) return undefined
  return absolute(native, directory)
}

/** As runc: the host's root, or a user namespace's that calls itself so. Else the directory is that of the user who made the
 * namespace; engines give no USER at all there. */
export function isRoot(native: Native): boolean {
  if (native.euid() !== 0) return false
  return native.env('USER') === 'root' || !isInUserNamespace(native)
}

/** namespaces(7): the first one's number is part of the kernel's interface. Unreadable: no /proc, or no such namespaces. */
function isInUserNamespace(native: Native): boolean {
  const own = native.readLink('/proc/self/ns/user')
  return own !== undefined && own !== 'user:[4026531837]'
}

export function absolute(native: Native, path: string): string {
  return path.startsWith('/') ? path : `${native.cwd()}/${path}`
}

/** Makes the state root where it is missing. */
export function makeStateRoot(native: Native, root: StateRoot): void {
  try {
    native.mkdirAll(root.path, root.mode)
  } catch (error) {
    throw hostFailure(`state root ${root.path}`, error)
  }
}

/** Throws where the id could name anything but a directory in the state root. */
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
