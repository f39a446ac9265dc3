// Who reads the images of a container with a user namespace: CRIU has become the container's root when it opens most of them. They
// are readable for all, their directory is not searchable for others; so it belongs to that root's group.

import type { Config } from '../config/config.ts'
import type { FileStatus } from '../native.ts'
import { hostId } from '../plan/cgroup-owner.ts'

export const PRIVATE_MODE = 0o700
export const GROUP_MODE = 0o710

/** The group of the container's root on the host; undefined where that is root's, or only the kernel knows. */
export function imageGroup({ linux: { namespaces, gidMappings } }: Config): number | undefined {
  const isOwn = namespaces.some(({ type, path }) => type === 'user' && path === undefined)
  return (isOwn && gidMappings.length > 0 && hostId(0, gidMappings)) || undefined
}

/** What may be why CRIU could not open an image, for it says only that it could not; undefined where the directory can be searched. */
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
