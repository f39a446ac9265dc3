// The owner of the container's cgroup (config-linux.md "Cgroup ownership"): the process's user, if the container has a
// cgroup namespace of its own and a writable cgroup mount. cgroup/ decides which files are delegated, and that v1 never
// is.

import type { Config, IdMapping, Mount } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'

/** The owner's uid on the host; undefined: root. */
export function cgroupOwner({ linux, mounts, process }: Config): number | undefined {
  const isOwnNamespace = linux.namespaces.some(({ type, path }) => type === 'cgroup' && path === undefined)
  if (!isOwnNamespace || !mounts.some(isWritableCgroup)) return undefined
  // Only the kernel knows the mappings of a user namespace that is joined.
  if (linux.uidMappings.length === 0 && hasNamespace(linux, 'user')) return undefined
  const owner = hostId(process?.user.uid ?? 0, linux.uidMappings)
  return owner === 0 ? undefined : owner
}

const isWritableCgroup = ({ destination, source, options }: Mount): boolean =>
  destination === '/sys/fs/cgroup' && source === 'cgroup' && !options.includes('ro')

/** The id on the host; undefined if it is not mapped. */
export function hostId(id: number, mappings: readonly IdMapping[]): number | undefined {
  if (mappings.length === 0) return id
  const range = mappings.find(({ containerID, size }) => id >= containerID && id - containerID < size)
  return range && range.hostID + id - range.containerID
}
