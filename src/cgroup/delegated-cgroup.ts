/**
 * Cgroups below the container's own, requested by annotations as in crun: `run.oci.delegate-cgroup` names the one in
 * which the container's processes start. With a cgroup namespace they see the container's cgroup as the root and
 * themselves one level below it, so that a systemd in the container can enable controllers. The limits are set on the
 * container's cgroup.
 */

import type { StringMap } from '../config/config.ts'
import { errorAt, formatProblems, type Problem, RuntError } from '../errors.ts'
import type { Step } from '../steps/launch-plan.ts'
import { type CgroupHost, unifiedHierarchy } from './hierarchies.ts'
import { type CgroupPlan, ownerSteps } from './plan-cgroup.ts'
import { directoryStep, openDirectory, type Slots } from './steps.ts'
import { enableSteps } from './v2/enable-controllers.ts'

const ANNOTATION = 'run.oci.delegate-cgroup'
const FROM = `annotations[${JSON.stringify(ANNOTATION)}]`

/** The path of an annotation, `/name`, or '' if it is absent or empty. A path that leaves the cgroup is a problem. */
export function subgroupOf(annotations: StringMap, name: string, problems: Problem[]): string {
  const text = annotations[name]
  if (!text) return ''
  const parts = text.split('/').filter((part) => part !== '')
  // The kernel's cgroup_mkdir() refuses newlines, and the names of its files are taken.
  if (parts.length > 0 && parts.every((part) => part !== '.' && part !== '..' && !part.includes('\n'))) {
    return `/${parts.join('/')}`
  }
  problems.push({
    path: `annotations[${JSON.stringify(name)}]`,
    message: `${JSON.stringify(text)} is no path below a cgroup`,
  })
  return ''
}

/** For the runtime, while init waits in its new cgroup namespace: empty if the annotation is not set. */
export function delegatedSteps(
  annotations: StringMap,
  cgroup: Pick<CgroupPlan, 'paths' | 'mode'>,
  host: CgroupHost,
  caller: { readonly rootless: boolean; readonly owner: number | undefined },
  slots: Slots,
): Step[] {
  const problems: Problem[] = []
  const below = subgroupOf(annotations, ANNOTATION, problems)
  if (problems.length > 0) throw new RuntError('config', formatProblems(problems), { problems })
  if (below === '') return []
  const { '': own } = cgroup.paths
  if (cgroup.mode !== 'v2' || own === undefined) throw errorAt('host', FROM, 'no cgroup can be delegated on cgroup v1')
  const path = own + below
  const slot = slots.allocate('delegated cgroup')
  const controllers = unifiedHierarchy(host)?.controllers ?? []
  return [
    directoryStep(path, FROM, 1),
    { op: 'write_pid', from: FROM, path: `${path}/cgroup.procs` },
    ...enableSteps(own, path, controllers, caller.rootless ? 'rootless' : 'root', slots),
    openDirectory(path, slot, FROM),
    ...(caller.owner === undefined ? [] : ownerSteps(slot, caller.owner)),
  ]
}
