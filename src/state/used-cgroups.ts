// A new container's cgroups must not be in use: what is in them would be killed with the container, and a frozen one would
// never start. Asked in one hierarchy for all that the runtime keeps alike, and in the three that others use without them.

import { freezerOf } from '../cgroup/freezer.ts'
import { checkUnused } from '../cgroup/removal.ts'
import { errnoOf } from '../errno.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses } from './cgroup-processes.ts'

type Paths = { readonly [controller: string]: string }

export function refuseUsedCgroups(native: Native, { paths }: { readonly paths: Paths }): void {
  for (const directory of [paths.devices ?? paths.pids, paths.freezer, paths['name=systemd'], paths['']]) {
    if (directory === undefined || !native.exists(directory)) continue
    checkUnused(directory, cgroupProcesses(native, directory), isFrozen(native, paths))
  }
}

function isFrozen(native: Native, paths: Paths): boolean {
  const freezer = freezerOf(paths)
  if (freezer === undefined) return false
  try {
    return native.readFile(freezer.file).trimEnd() !== freezer.thaw
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
