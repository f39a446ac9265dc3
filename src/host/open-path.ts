// Opens paths with O_PATH, which opens no device and waits for no FIFO, to look at what is there before a launch.
// Paths in a root file system are resolved inside it, component by component, and used by descriptor.

import { isNativeError } from '../errno.ts'
import type { FileStatus, Native } from '../native.ts'
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'

/** The name of an errno, or what `use` has returned. */
export type Opened<T> = { readonly code: string } | { readonly value: T }

interface Target {
  /** A trusted directory of the host in which `path` is resolved. */
  readonly root?: string
  readonly path: string
  readonly flags?: number
  readonly resolve?: number
}

const [ROOT, FOUND] = [1, 2]

/** Opens a path, calls `use` with a path that leads to the open file, and closes it. */
export function withPath<T>(
  native: Native,
  { root, path, flags = 0, resolve = 0 }: Target,
  use: (path: string) => T,
): Opened<T> {
  const from = path
  const steps: Step[] = [
    { op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC | flags, resolve, into: FOUND, ...(root && { at: ROOT }) },
    { op: 'keep', from, fd: FOUND },
  ]
  if (root !== undefined)
    steps.unshift({ op: 'openat2', from, path: root, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, into: ROOT })
  const event = native.launch({ slots: ['sync', 'root', 'found'], runtimeSteps: steps, containerSteps: [] })
  if (event.kind !== 'done') return { code: event.kind === 'failed' ? event.code : 'EIO' }
  try {
    return { value: use(`/proc/self/fd/${event.kept}`) }
  } catch (error) {
    if (!isNativeError(error)) throw error
    return { code: error.code }
  } finally {
    native.close(event.kept)
  }
}

/** A path of a root file system without links, and what is there; `covered`: a mount of the container decides that. */
export type InRoot =
  | { readonly kind: 'found'; readonly path: string; readonly status: FileStatus }
  /** The path may have links that do not exist. */
  | { readonly kind: 'failed'; readonly code: string; readonly path: string }
  | { readonly kind: 'covered' }

const MAX_LINKS = 40

/** Follows links as in a chroot of `root`. `isCovered` says whether the container has a mount at a path. */
export function findInRoot(native: Native, root: string, path: string, isCovered: (path: string) => boolean): InRoot {
  const rest = path.split('/')
  const done: string[] = []
  let status: FileStatus | undefined = native.status(root)
  for (let links = 0; rest.length > 0; ) {
    const name = rest.shift() as string
    if (name === '' || name === '.') continue
    if (name === '..') {
      done.pop()
      continue
    }
    const here = `/${[...done, name].join('/')}`
    if (isCovered(here)) return { kind: 'covered' }
    const entry = entryOf(native, root, done, name)
    if ('code' in entry) return failed(entry.code, [...done, name, ...rest])
    if (entry.link === undefined) {
      done.push(name)
      status = entry.status
      if (status.kind !== 'directory' && rest.length > 0) return failed('ENOTDIR', [...done, ...rest])
      continue
    }
    if (++links > MAX_LINKS) return failed('ELOOP', [...done, name, ...rest])
    rest.unshift(...entry.link.split('/'))
    if (entry.link.startsWith('/')) done.length = 0
  }
  const at = `/${done.join('/')}`
  if (done.length === 0 || status === undefined) return { kind: 'found', path: at, status: directory }
  return { kind: 'found', path: at, status }
}

const failed = (code: string, parts: readonly string[]): InRoot => ({
  kind: 'failed',
  code,
  path: `/${parts.filter((part) => part !== '' && part !== '.').join('/')}`,
})

const directory: FileStatus = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, inode: 0 }

/** One entry of a directory below the root that is reached without links. */
function entryOf(
  native: Native,
  root: string,
  parents: readonly string[],
  name: string,
): { readonly code: string } | { readonly status: FileStatus; readonly link: string | undefined } {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
  const target = { root, path: `/${parents.join('/')}`, flags: O_DIRECTORY, resolve }
  const opened = withPath(native, target, (parent) => {
    const status = native.status(`${parent}/${name}`)
    return status && { status, link: status.kind === 'symlink' ? native.readLink(`${parent}/${name}`) : undefined }
  })
  if ('code' in opened) return opened
  return opened.value ?? { code: 'ENOENT' }
}
