// A container without a mount namespace leaves its mounts on the host (config-linux.md "Namespaces"): what was not below its root file
// system before `create` goes with the container (runtime.md, "delete": "MUST delete the resources that were created"). And what
// --no-pivot has to know of the host's mounts.

import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'
import { MNT_DETACH, O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_NO_SYMLINKS, UMOUNT_NOFOLLOW } from '../plan/constants.ts'
import type { LaunchPlan } from '../plan/launch-plan.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'

interface MountPoint {
  /** proc_pid_mountinfo(5), field 1. */
  readonly id: number
  /** Field 4: which directory of its file system is mounted. */
  readonly root: string
  readonly path: string
  readonly type: string
}

/** The mounts of our namespace, a mount before those that lie on it. */
function mountPoints(native: Native): MountPoint[] {
  return native
    .readFile('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', , , root = '', path = ''] = line.split(' ')
      const type = line.slice(line.indexOf(' - ') + 3).split(' ')[0] ?? ''
      return { id: Number(id), root, path: plainPath(path), type }
    })
}

/** Mount points at and below a directory. */
const mountsBelow = (native: Native, directory: string): MountPoint[] =>
  mountPoints(native).filter(({ path }) => path === directory || path.startsWith(`${directory}/`))

/** For --no-pivot: mount points of whole proc and sysfs file systems, but those in the root file system; the uppermost first. */
export function fullMounts(native: Native, rootfs: string): readonly string[] {
  const isFull = ({ root, type }: MountPoint) => root === '/' && (type === 'proc' || type === 'sysfs')
  return mountPoints(native)
    .filter((mount) => isFull(mount) && !mount.path.startsWith(`${rootfs}/`))
    .map(({ path }) => path)
    .reverse()
}

/** Space, tab, newline and backslash are written in octal. */
const plainPath = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** For the record: what stays when the container goes; undefined where its mounts are its own. */
export function hostMounts(native: Native, { linux }: Config, rootfs: string): readonly number[] | undefined {
  if (linux.namespaces.some(({ type }) => type === 'mount')) return undefined
  return mountsBelow(native, rootfs).map(({ id }) => id)
}

/** Unmounts the container's. What cannot be unmounted is warned of. */
export function unmountHostMounts({ native, log }: Context, { hostMounts, rootfs }: ContainerRecord): void {
  if (hostMounts === undefined) return
  const ours = mountsBelow(native, rootfs).filter(({ id }) => !hostMounts.includes(id))
  for (const { path } of ours.reverse()) {
    const event = native.launch(planUnmount(path), { preserveFds: 0 })
    if (event.kind === 'failed') log.warn(`${path} stays mounted: ${event.syscall}: ${event.code}`)
  }
}

/** By its parent's descriptor: the path may lead somewhere else by now, and an unmount there would be the host's loss. */
function planUnmount(path: string): LaunchPlan {
  const slash = path.lastIndexOf('/')
  const [from, parent] = ['root.path', 1]
  return {
    slots: ['sync', 'parent'],
    runtimeSteps: [
      {
        op: 'openat2',
        from,
        path: path.slice(0, slash),
        flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
        resolve: RESOLVE_NO_SYMLINKS,
        into: parent,
      },
      { op: 'fchdir', from, fd: parent },
      { op: 'umount2', from, path: path.slice(slash + 1), flags: MNT_DETACH | UMOUNT_NOFOLLOW },
      { op: 'chdir', from, path: '/', resolve: RESOLVE_NO_SYMLINKS },
    ],
    containerSteps: [],
  }
}
