/**
 * The statistics of `events --stats` from the files of a container's cgroups. Chooses between v1 and v2 for each
 * controller; v1.ts and v2.ts read the files.
 */

import type { Read } from './parse.ts'
import type { Stats } from './shape.ts'
import { blkioStats, cpuStats, cpusetStats, hugetlbStats, memoryStats, pidsStats } from './v1.ts'
import { cpuStats2, hugetlbStats2, ioStats, memoryStats2, pidsStats2 } from './v2.ts'

/** `paths`: the container's directories by controller, '' for v2. `pageSizes`: the host's huge pages, `['2MB']`. */
export function readStats(
  paths: { readonly [controller: string]: string },
  pageSizes: readonly string[],
  read: Read,
): Stats {
  const unified = paths['']
  const at = <T>(controller: string, v1: (directory: string) => T, v2: (directory: string) => T, none: T): T => {
    const directory = paths[controller]
    if (directory !== undefined) return v1(directory)
    return unified === undefined ? none : v2(unified)
  }
  return {
    cpu: at(
      'cpu',
      (directory) => cpuStats(directory, paths.cpuacct, read),
      (directory) => cpuStats2(directory, read),
      {},
    ),
    cpuset: cpusetStats(paths.cpuset, read),
    memory: at(
      'memory',
      (directory) => memoryStats(directory, read),
      (directory) => memoryStats2(directory, read),
      {},
    ),
    pids: at(
      'pids',
      (directory) => pidsStats(directory, read),
      (directory) => pidsStats2(directory, read),
      {},
    ),
    blkio: at(
      'blkio',
      (directory) => blkioStats(directory, read),
      (directory) => ioStats(directory, read),
      {},
    ),
    hugetlb: at(
      'hugetlb',
      (directory) => hugetlbStats(directory, pageSizes, read),
      (directory) => hugetlbStats2(directory, pageSizes, read),
      {},
    ),
    intel_rdt: {},
    network_interfaces: null,
  }
}

/** Names in /sys/kernel/mm/hugepages, such as `hugepages-2048kB`, as page sizes. */
export function pageSizesOf(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const kilobytes = Number.parseInt(name.slice('hugepages-'.length), 10)
    if (!name.startsWith('hugepages-') || !name.endsWith('kB') || Number.isNaN(kilobytes)) return []
    if (kilobytes >= 1 << 20) return [`${kilobytes >> 20}GB`]
    return [kilobytes >= 1 << 10 ? `${kilobytes >> 10}MB` : `${kilobytes}KB`]
  })
}
