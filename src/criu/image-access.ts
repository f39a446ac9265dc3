// Access to the images of a container with a user namespace: when CRIU opens most of them, it runs as the container's
// root. The images are readable by all, but their directory is not searchable by others; so it belongs to that root's
// group.

import type { Config } from '../config/config.ts'
import type { FileStatus } from '../native.ts'
import { hostId } from '../plan/cgroup-owner.ts'

export const PRIVATE_MODE = 0o700
export const GROUP_MODE = 0o710

/** The group of the container's root on the host; undefined if it is root's, or if only the kernel knows it. */
export function imageGroup({ linux: { namespaces, gidMappings } }: Config): number | undefined {
  const isOwn = namespaces.some(({ type, path }) => type === 'user' && path === undefined)
  return (isOwn && gidMappings.length > 0 && hostId(0, gidMappings)) || undefined
}

/** A hint why CRIU could not open an image, because CRIU does not say; undefined if the directory can be searched. */
export function accessHint(
  path: string,
  status: FileStatus | undefined,
  group: number | undefined,
): string | undefined {
  if (status === undefined || group === undefined) return undefined
  const bit = status.gid === group ? 0o010 : 0o001
  if ((status.mode & bit) !== 0) return undefined
  return `--image-path ${path} may not be searchable for the container's root (chgrp ${group} and chmod g+x would do)`
}
