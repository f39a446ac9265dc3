/**
 * A parent enables controllers for its children in cgroup.subtree_control (cgroups(7), kernel
 * Documentation/admin-guide/cgroup-v2.rst, Controlling Controllers). Plans the writes on the way down to a container's
 * cgroup. A controller that cannot be enabled is no error here: the limit that needs it fails, and names it.
 */

import { EACCES, EBUSY, EINVAL, ENOENT, EOPNOTSUPP, EPERM, EROFS } from '../../steps/constants.ts'
import type { Step } from '../../steps/launch-plan.ts'
import { openForWriting, type Slots } from '../steps.ts'

const FROM = 'linux.cgroupsPath'
/** Not available here; processes or a threaded subtree forbid it; real-time processes (cpu). */
const NOT_PASSED_ON = [ENOENT, EBUSY, EOPNOTSUPP, EINVAL]

/** Steps for every cgroup from the mount point to the parent of `path`, top down. */
export function enableSteps(
  mountpoint: string,
  path: string,
  controllers: readonly string[],
  caller: 'root' | 'rootless',
  slots: Slots,
): Step[] {
  if (controllers.length === 0) return []
  const parents = [mountpoint]
  for (let slash = path.indexOf('/', mountpoint.length + 1); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    parents.push(path.slice(0, slash))
  }
  const words = controllers.map((controller) => `+${controller}`)
  return parents.flatMap((parent) => {
    const file = `${parent}/cgroup.subtree_control`
    return caller === 'root' ? [joint(file, words)] : oneByOne(file, words, slots)
  })
}

/** One write for all controllers: it fails as a whole. */
function joint(path: string, words: readonly string[]): Step {
  return { op: 'write_file', from: FROM, path, data: words.join(' '), tolerate: NOT_PASSED_ON }
}

/** A delegated subtree has only some controllers, and its upper part belongs to another user. */
function oneByOne(path: string, words: readonly string[], slots: Slots): Step[] {
  const fd = slots.allocate('cgroup.subtree_control')
  return [
    openForWriting(path, fd, FROM, [EACCES, EPERM, EROFS, ENOENT]),
    ...words.map((data): Step => ({ op: 'write', from: FROM, fd, data, tolerate: NOT_PASSED_ON })),
    { op: 'close', from: FROM, slots: [fd] },
  ]
}
