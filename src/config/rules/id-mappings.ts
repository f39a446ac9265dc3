/**
 * config-linux.md "User namespace mappings", for the user namespace and for mounts: refuses what the kernel would
 * refuse with a bare EINVAL in /proc/<pid>/uid_map (user_namespaces(7)).
 */

import type { IdMapping } from '../config.ts'
import type { Report } from '../rule.ts'

/** One more than the highest ID. */
const ID_END = 4294967295
/** Since Linux 4.15. */
const MAX_MAPPINGS = 340

/** Checks each range, and that no two of them overlap. */
export function checkIdMappings(mappings: readonly IdMapping[], path: string, report: Report): void {
  if (mappings.length > MAX_MAPPINGS) report(path, `has ${mappings.length} entries, the kernel takes ${MAX_MAPPINGS}`)
  for (const [i, mapping] of mappings.entries()) {
    const { containerID, hostID, size } = mapping
    if (size === 0) report(`${path}[${i}].size`, 'must not be 0')
    else if (containerID + size > ID_END) report(`${path}[${i}].size`, `exceeds the highest container ID`)
    else if (hostID + size > ID_END) report(`${path}[${i}].size`, `exceeds the highest host ID`)
    const other = mappings.slice(0, i).findIndex((before) => overlap(before, mapping))
    if (other >= 0) report(`${path}[${i}]`, `overlaps ${path}[${other}]`)
  }
}

function overlap(a: IdMapping, b: IdMapping): boolean {
  const inContainer = a.containerID < b.containerID + b.size && b.containerID < a.containerID + a.size
  const onHost = a.hostID < b.hostID + b.size && b.hostID < a.hostID + a.size
  return inContainer || onHost
}
