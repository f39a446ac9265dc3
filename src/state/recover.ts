// Ends a container of which only a cgroup is known, because its records are gone or broken. Only the container's
// processes may be killed: beside the known cgroup it only uses cgroups of the same name that contain its processes.

import { cgroupDirectory } from '../cgroup/cgroup-path.ts'
import { claimedDirectory, ownerAttribute } from '../cgroup/claim.ts'
import { parseHierarchies } from '../cgroup/hierarchies.ts'
import { pathsByController } from '../cgroup/hierarchy-part.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { endCgroups } from './destroy-container.ts'

const KILL_TIMEOUT_MS = 10_000

/**
 * The default cgroup of a container of this id, if it is marked with its state directory; not one of the same id of another state root or
 * of another runtime. May not find it from another cgroup than that of `create`.
 */
export function lostCgroup(native: Native, directory: string, id: string): string | undefined {
  const probe = native.probe()
  const host = parseHierarchies(probe)
  const parts = host.hierarchies.map((hierarchy) => {
    const { base, inner } = cgroupDirectory(host, hierarchy, id)
    return { hierarchy, path: `${base}/${inner}` }
  })
  const path = claimedDirectory(pathsByController(parts))
  const attribute = ownerAttribute(probe.euid !== 0 || probe.inUserNamespace ? 'rootless' : 'root')
  return path !== undefined && native.attribute(path, attribute) === directory ? path : undefined
}

export function destroyByCgroup(native: Native, cgroup: string): void {
  const others = otherCgroups(native, cgroup)
  for (const directory of [cgroup, ...others.inhabited]) destroy(native, directory)
  for (const directory of others.possible) {
    try {
      native.rmdir(directory)
    } catch {
      // missing or in use: then it is not the container's
    }
  }
}

function destroy(native: Native, directory: string): void {
  let removed: boolean
  // The hierarchy is unknown; writes to files that do not exist are skipped.
  endCgroups(native, { pids: directory, '': directory })
  try {
    removed = native.destroyCgroup(directory, KILL_TIMEOUT_MS)
  } catch (error) {
    throw hostFailure(`cgroup ${directory}`, error)
  }
  if (!removed)
    throw new RuntError('state', `cgroup ${directory}: still in use ${KILL_TIMEOUT_MS / 1000} s after SIGKILL`)
}

interface Others {
  /** The cgroups of its processes in the other hierarchies. */
  readonly inhabited: readonly string[]
  /** Cgroups with the same path in the other hierarchies: removed if they are empty. */
  readonly possible: readonly string[]
}

function otherCgroups(native: Native, cgroup: string): Others {
  const probe = native.probe()
  const { hierarchies } = parseHierarchies(probe)
  const name = cgroup.slice(cgroup.lastIndexOf('/'))
  const home = hierarchies.find(({ mountpoint }) => cgroup.startsWith(`${mountpoint}/`))
  const inner = home === undefined ? name : cgroup.slice(home.mountpoint.length)
  const relative =
    home !== undefined && inner.startsWith(home.own) ? inner.slice(home.own.length).replace(/^\/*/, '/') : inner
  const possible = hierarchies
    .flatMap(({ mountpoint, own }) => [mountpoint + inner, `${mountpoint}${own === '/' ? '' : own}${relative}`])
    .filter((directory) => directory.endsWith(name) && directory !== cgroup)
  const member = firstMember(native, cgroup)
  if (member === undefined) return { inhabited: [], possible }
  const inhabited = parseHierarchies({ ...probe, ownCgroups: member })
    .hierarchies.map(({ mountpoint, own }) => mountpoint + own)
    .filter((directory) => directory.endsWith(name))
  return { inhabited, possible }
}

/** /proc/PID/cgroup of one of the processes. */
function firstMember(native: Native, cgroup: string): string | undefined {
  try {
    const [pid] = native.readFile(`${cgroup}/cgroup.procs`).split('\n')
    return pid === undefined || pid === '' ? undefined : native.readFile(`/proc/${pid}/cgroup`)
  } catch {
    return undefined
  }
}
