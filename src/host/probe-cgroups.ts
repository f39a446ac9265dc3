// Probes an unprivileged user's access to the cgroup hierarchies (cgroups(7), "Delegation"): on v1 an administrator
// delegates a directory, and not always the files in it. Not for root, unless --rootless=true: for root a failure is an
// error.

import type { CgroupAccess, NewCpuset } from '../cgroup/cgroup-access.ts'
import { cgroupDirectory, innerPath } from '../cgroup/cgroup-path.ts'
import type { Hierarchy } from '../cgroup/hierarchies.ts'
import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'
import { type HostFacts, isUnprivileged, type RootlessFlag } from '../plan/host-facts.ts'
import { readSetting } from '../state/read-setting.ts'

export function probeCgroups(
  native: Native,
  facts: HostFacts,
  id: string,
  config: Config,
  rootless: RootlessFlag,
): CgroupAccess | undefined {
  if (!isUnprivileged(facts) && rootless !== 'true') return undefined
  // The planner reports an invalid path.
  const inner = innerPath(id, config.linux.cgroupsPath, [])
  const refused: string[] = []
  let cpuset: NewCpuset = 'tell'
  for (const hierarchy of facts.cgroups.hierarchies) {
    const directory = cgroupDirectory(facts.cgroups, hierarchy, inner)
    const path = `${directory.base}/${directory.inner}`
    const existing = existingDirectory(native, path)
    if (!mayEnter(native, hierarchy, path, existing)) refused.push(path)
    else if (hierarchy.version === 1 && hierarchy.controllers.includes('cpuset')) cpuset = newCpuset(native, existing)
  }
  return { refused, cpuset }
}

/** The directory itself, or its nearest existing ancestor. */
function existingDirectory(native: Native, path: string): string {
  return path === '' || native.exists(path) ? path : existingDirectory(native, path.slice(0, path.lastIndexOf('/')))
}

function mayEnter(native: Native, hierarchy: Hierarchy, path: string, existing: string): boolean {
  if (hierarchy.version === 1) return native.writable(existing === path ? `${path}/tasks` : existing)
  // v2: to move a process, the user must also own the common ancestor of both cgroups.
  const above = commonDirectory(`${hierarchy.mountpoint}${hierarchy.own}`, path)
  return (
    native.writable(existing === path ? `${path}/cgroup.procs` : existing) && native.writable(`${above}/cgroup.procs`)
  )
}

/** The longest common ancestor of both paths, which may be one of them. */
export function commonDirectory(first: string, second: string): string {
  const others = second.split('/')
  const parts = first.split('/')
  const end = parts.findIndex((part, i) => part !== others[i])
  return (end < 0 ? parts : parts.slice(0, end)).join('/')
}

function newCpuset(native: Native, existing: string): NewCpuset {
  if (readSetting(native, `${existing}/cgroup.clone_children`) === '1') return 'inherit'
  const [cpus, mems] = ['cpuset.cpus', 'cpuset.mems'].map((file) => nearestValue(native, existing, file))
  return cpus && mems ? { existing, cpus, mems } : 'tell'
}

/** The nearest non-empty value: an empty file will get its parent's value (state/fill-cpusets.ts). */
function nearestValue(native: Native, directory: string, file: string): string | undefined {
  const own = readSetting(native, `${directory}/${file}`)
  return own === '' ? nearestValue(native, directory.slice(0, directory.lastIndexOf('/')), file) : own
}
