// Cpusets that others have made and left empty (cpuset(7), "cpuset.cpus"): no process may enter one, and what is made below
// inherits nothing. As runc does, each is given what the one above it has. A cpuset that is not there yet is the plan's
// business: it inherits when it is made.

import type { Native } from '../native.ts'

/** `directory`: a container's cpuset, to be made or there already. */
export function fillCpusets(native: Native, directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) fill(native, directory, file)
}

/** What the cpuset has in the end, or would have; undefined: there is none here or above. */
function fill(native: Native, directory: string, file: string): string | undefined {
  const own = read(native, `${directory}/${file}`)
  if (own) return own
  const slash = directory.lastIndexOf('/')
  const above = slash <= 0 ? undefined : fill(native, directory.slice(0, slash), file)
  // What cannot be written is told by the join, which names the cgroup.
  if (own === '' && above !== undefined) write(native, `${directory}/${file}`, above)
  return above
}

function read(native: Native, path: string): string | undefined {
  try {
    return native.readFile(path).trimEnd()
  } catch {
    return undefined
  }
}

function write(native: Native, path: string, text: string): void {
  try {
    native.writeFile(path, text, 0o644)
  } catch {
    // See above.
  }
}
