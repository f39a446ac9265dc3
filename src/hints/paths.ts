// Why a path in the root file system cannot be opened or made: links, owners and modes, a read-only file system (openat2(2)).

import { attempt } from '../errors.ts'
import type { Native } from '../native.ts'
import { firstMissing, isInUserNamespace, octal, parentOf } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'
import { unsearchable, unwritable } from './search-path.ts'

/** The container's root on the host. */
function containerRoot({ config }: Failure): { readonly uid: number; readonly gid: number } | undefined {
  const uid = config?.linux.uidMappings.find(({ containerID }) => containerID === 0)?.hostID
  const gid = config?.linux.gidMappings.find(({ containerID }) => containerID === 0)?.hostID
  return uid === undefined || gid === undefined ? undefined : { uid, gid }
}

/** The directory of the host in which the first missing part of a path in the root file system would be made. */
function deepest(native: Native, root: string, path: string): string | undefined {
  for (let above = parentOf(`/${path}`); ; above = parentOf(above)) {
    const found = attempt(() => native.lookInRoot(root, above) ?? 'missing')
    if (found !== 'missing' || above === '/')
      return found === undefined || found === 'missing' ? undefined : root + found.path
  }
}

/** Init, as the container's root, resolves a path on the host or in the root file system. */
const denied: Hint = (failure) => {
  const { native, step, root } = failure
  const who = containerRoot(failure)
  if (who === undefined || root === undefined) return undefined
  const { path } = root
  const subject = `uid ${who.uid}, the container's root,`
  const closed = unsearchable(native, path, who)
  if (closed !== undefined) return `${subject} cannot search ${closed}: chmod +x it, or move the bundle`
  if (step.op !== 'openat2' || !step.onMissing) return undefined
  const directory = deepest(native, path, step.path)
  const fixed = directory && unwritable(native, directory, who)
  return fixed && `${subject} cannot write in ${fixed}: create the target in the image, or chown it`
}

/** The target of a mount does not exist and cannot be created. */
const readOnly: Hint = ({ native, step, root }) => {
  if (step.op !== 'openat2' || root === undefined) return undefined
  const found = attempt(() => native.lookInRoot(root.path, '/'))
  if (found?.isReadOnly !== true) return undefined
  return `the target does not exist, and the root file system is on a read-only mount of the host: create it in the image`
}

const device: Hint = (failure) => {
  const path = /\((.*)\)$/.exec(failure.step.from)?.[1] ?? ''
  const isBound = isInUserNamespace(failure) || attempt(() => failure.native.probe().inUserNamespace) === true
  const missing = isBound ? firstMissing(failure.native, path) : undefined
  return missing && `in a user namespace a device is the host's own, and ${missing} does not exist on the host`
}

const occupied: Hint = ({ native, step, root }) => {
  if (step.op !== 'mknodat' && step.op !== 'symlinkat') return undefined
  // `linux.devices[0] (/dev/x)`, `mounts[0] (/source at /target)`
  const name = /(?:\(| at )(\/[^ ]*)\)$/.exec(step.from)?.[1]
  const found = name && root ? attempt(() => native.lookInRoot(root.path, name)) : undefined
  return found && `there is something else at this path already: a ${found.kind}, mode ${octal(found.mode)}`
}

const magicLink = 'a magic link of procfs, such as /proc/self/fd/3, is not followed here'
const coveredLink = `the path has a loop of links, or ${magicLink}`

export const pathHints: Hints = {
  'linux.devices ENOENT': device,
  'linux.maskedPaths ELOOP': coveredLink,
  'linux.readonlyPaths ELOOP': coveredLink,
  'openat2 EACCES': denied,
  'move_mount EACCES': denied,
  'openat2 EROFS': readOnly,
  'openat2 ELOOP': 'must be mounted on ordinary directory, not on a symbolic link',
  'openat2 EXDEV': 'the path leads out of the root file system',
  'chdir ELOOP': coveredLink,
  'open_tree ELOOP': coveredLink,
  'find_executable ELOOP': coveredLink,
  'mknodat EEXIST': occupied,
  'symlinkat EEXIST': occupied,
}
