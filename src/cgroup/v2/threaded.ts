/**
 * A container in a threaded subtree (cgroups(7), Thread mode; kernel Documentation/admin-guide/cgroup-v2.rst, Threads).
 * Each new cgroup must be made threaded before a process can join it. Only some controllers are thread-aware: a limit
 * of another one fails because its file does not exist.
 */

import type { Step } from '../../steps/launch-plan.ts'
import { addClaim, type CgroupOptions, FROM, type Part } from '../hierarchy-part.ts'
import { addWrites, directoryStep, openDirectory, type Slots, writeStep } from '../steps.ts'
import { enableSteps } from './enable-controllers.ts'

const THREAD_AWARE = ['cpu', 'cpuset', 'perf_event', 'pids']

/** As addUnified, for a cgroup below the threaded `parent`. */
export function addThreaded(
  steps: Step[],
  { hierarchy, path, writes, enable }: Part,
  parent: string,
  slot: number,
  slots: Slots,
  { claim, tolerate }: CgroupOptions,
): void {
  let level = parent
  for (const name of path.slice(parent.length + 1).split('/')) {
    level = `${level}/${name}`
    steps.push(directoryStep(level, FROM, 0, tolerate))
    steps.push(writeStep(level, { file: 'cgroup.type', data: 'threaded', from: FROM, tolerate }))
  }
  addClaim(steps, claim, tolerate)
  // One by one: the levels have different controllers.
  const controllers = enable.filter((name) => THREAD_AWARE.includes(name))
  steps.push(...enableSteps(hierarchy.mountpoint, path, controllers, 'rootless', slots))
  addWrites(steps, path, writes, slots)
  steps.push(openDirectory(path, slot, FROM, tolerate))
}
