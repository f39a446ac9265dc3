// Who owns the container's cgroup (config-linux.md "Cgroup ownership"): the process's user, where the container has a cgroup namespace
// of its own and may write to its cgroup mount. That v1 is never delegated, and which files are, is decided in cgroup/.

import type { Config, IdMapping, Mount } from '../config/config.ts'

/** The owner as the host sees it; undefined: root keeps it. */
export function cgroupOwner({ linux, mounts, process }: Config): number | undefined {
  const isOwnNamespace = linux.namespaces.some(({ type, path }) => type === 'cgroup' && path === undefined)
  if (!isOwnNamespace || !mounts.some(isWritableCgroup)) return undefined
  // What a namespace that is joined maps, only the kernel knows.
  if (linux.uidMappings.length === 0 && linux.namespaces.some(({ type }) => type === 'user')) return undefined
  const owner = hostId(process?.user.uid ?? 0, linux.uidMappings)
  return owner === 0 ? undefined : owner
}

const isWritableCgroup = ({ destination, source, options }: Mount): boolean =>
  destination === '/sys/fs/cgroup' && source === 'cgroup' && !options.includes('ro')

/** The id as the host sees it; undefined: it has none there. */
export function hostId(id: number, mappings: readonly IdMapping[]): number | undefined {
  if (mappings.length === 0) return id
  const range = mappings.find(({ containerID, size }) => id >= containerID && id - containerID < size)
  return range && range.hostID + id - range.containerID
}
