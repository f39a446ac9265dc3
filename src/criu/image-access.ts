// Who reads the images of a container with a user namespace: CRIU has become the container's root when it opens most of them. They
// are readable for all, their directory is not searchable for others; so it belongs to that root's group.

import type { Config } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import type { FileStatus } from '../native.ts'
import { hostId } from '../plan/cgroup-owner.ts'

export const PRIVATE_MODE = 0o700
export const GROUP_MODE = 0o710

/** The group of the container's root on the host; undefined where that is root's, or only the kernel knows. */
export function imageGroup({ linux: { namespaces, gidMappings } }: Config): number | undefined {
  const isOwn = namespaces.some(({ type, path }) => type === 'user' && path === undefined)
  return (isOwn && gidMappings.length > 0 && hostId(0, gidMappings)) || undefined
}

/** Before anything is made: CRIU would say only that it cannot open some file. */
export function requireSearchable(path: string, status: FileStatus | undefined, group: number | undefined): void {
  if (status === undefined || group === undefined) return
  const bit = status.gid === group ? 0o010 : 0o001
  if ((status.mode & bit) !== 0) return
  const remedy = `chgrp ${group} and chmod g+x`
  throw new RuntError('host', `--image-path ${path}: not searchable for the container's root (${remedy} would do)`)
}
