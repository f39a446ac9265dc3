// Mounts of the host. A container without a mount namespace leaves its mounts there (config-linux.md "Namespaces"):
// those that were not below its root file system before `create` are removed with the container (runtime.md, "delete":
// "MUST delete the resources that were created"). --no-pivot needs to know the host's full proc and sysfs mounts.

import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import type { Native } from '../native.ts'
import type { ContainerRecord } from '../state/record.ts'
import { MNT_DETACH, O_CLOEXEC, O_DIRECTORY, O_PATH, RESOLVE_NO_SYMLINKS, UMOUNT_NOFOLLOW } from '../steps/constants.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { hostTable, type MountLine } from './mount-table.ts'

/** Mount points at and below a directory; for the host's root only that itself. */
const mountsBelow = (native: Native, directory: string): MountLine[] =>
  hostTable(native).filter(({ point }) => point === directory || point.startsWith(`${directory}/`))

/** For --no-pivot: mount points of full proc and sysfs file systems outside of the root file system; topmost first. */
export function fullMounts(native: Native, rootfs: string): readonly string[] {
  const isFull = ({ root, type }: MountLine) => root === '/' && (type === 'proc' || type === 'sysfs')
  return hostTable(native)
    .filter((mount) => isFull(mount) && !mount.point.startsWith(`${rootfs}/`))
    .map(({ point }) => point)
    .reverse()
}

/** For the record: ids of mounts below the root file system before the launch; undefined with a mount namespace. */
export function hostMounts(native: Native, { linux }: Config, rootfs: string): readonly number[] | undefined {
  if (hasNamespace(linux, 'mount')) return undefined
  return mountsBelow(native, rootfs).map(({ id }) => Number(id))
}

/** Unmounts the container's mounts. Warns about those that cannot be unmounted. */
export function unmountHostMounts({ native, log }: Context, { hostMounts, rootfs }: ContainerRecord): void {
  if (hostMounts === undefined) return
  const ours = mountsBelow(native, rootfs).filter(({ id }) => !hostMounts.includes(Number(id)))
  for (const { point: path } of ours.reverse()) {
    const event = native.launch(planUnmount(path))
    if (event.kind === 'failed') log.warn(`${path} stays mounted: ${event.syscall}: ${event.code}`)
  }
}

/** Unmounts by the parent's descriptor: the path may lead elsewhere by now, to a mount that belongs to the host. */
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
