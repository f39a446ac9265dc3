// A new container's cgroups must not be in use: their processes would be killed with the container, and a frozen one
// would never start. Checks one of the hierarchies that the runtime uses together, and the three that others use
// separately.

import { checkUnused } from '../cgroup/removal.ts'
import type { Native } from '../native.ts'
import { cgroupProcesses } from './cgroup-processes.ts'
import { isFrozen } from './status.ts'

type Paths = { readonly [controller: string]: string }

export function refuseUsedCgroups(native: Native, { paths }: { readonly paths: Paths }): void {
  for (const directory of [paths.devices ?? paths.pids, paths.freezer, paths['name=systemd'], paths['']]) {
    if (directory === undefined || !native.exists(directory)) continue
    checkUnused(directory, cgroupProcesses(native, directory), isFrozen(native, paths))
  }
}
