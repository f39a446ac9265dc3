// Checks whether a container's v2 cgroup will be in a threaded subtree (kernel Documentation/admin-guide/cgroup-v2.rst,
// Threads). This is only checked if the config has a cgroupsPath, because the runtime's own cgroup is not threaded in practice.

import { cgroupDirectory } from '../cgroup/cgroup-path.ts'
import { type CgroupHost, unifiedHierarchy } from '../cgroup/hierarchies.ts'
import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'

/** The existing ancestor of the container's cgroup, if only threaded cgroups can be created in it. */
export function probeThreaded(native: Native, host: CgroupHost, { linux }: Config): string | undefined {
  const hierarchy = unifiedHierarchy(host)
  if (hierarchy === undefined || linux.cgroupsPath === undefined) return undefined
  const { base, inner } = cgroupDirectory(host, hierarchy, linux.cgroupsPath)
  let parent = `${base}/${inner}`
  for (;;) {
    parent = parent.slice(0, parent.lastIndexOf('/'))
    if (parent.length <= hierarchy.mountpoint.length) return undefined
    const type = readType(native, parent)
    if (type !== undefined) return type === 'threaded' || type === 'domain threaded' ? parent : undefined
  }
}

/** undefined: it does not exist yet. */
function readType(native: Native, cgroup: string): string | undefined {
  try {
    return native.readFile(`${cgroup}/cgroup.type`).trimEnd()
  } catch {
    return undefined
  }
}
