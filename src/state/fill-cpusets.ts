// Fills empty cpusets that others have created (cpuset(7), "cpuset.cpus"): no process can join one, and new cpusets
// below inherit nothing. As in runc, each gets its parent's values. The plan handles a cpuset that does not exist yet:
// it inherits when it is created.

import type { Native } from '../native.ts'
import { readSetting } from './read-setting.ts'

/** `directory`: a container's cpuset, existing or not. */
export function fillCpusets(native: Native, directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) fill(native, directory, file)
}

/** The cpuset's final value; undefined: there is none here or above. */
function fill(native: Native, directory: string, file: string): string | undefined {
  const own = readSetting(native, `${directory}/${file}`)
  if (own) return own
  const slash = directory.lastIndexOf('/')
  const above = slash <= 0 ? undefined : fill(native, directory.slice(0, slash), file)
  // If this cannot be written, the join fails and names the cgroup.
  if (own === '' && above !== undefined) write(native, `${directory}/${file}`, above)
  return above
}

function write(native: Native, path: string, text: string): void {
  try {
    native.writeFile(path, text, 0o644)
  } catch {
    // see above
  }
}
