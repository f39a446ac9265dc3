/**
 * Cgroups below the container's own that annotations ask for, as crun has them: `run.oci.delegate-cgroup` names one that the
 * container's processes begin in. With a cgroup namespace they see the container's cgroup as the root and themselves one
 * level below it, so that a systemd in the container may pass controllers on. Limits are those of the container's cgroup.
 */

import type { StringMap } from '../config/config.ts'
import { errorAt, formatProblems, type Problem, RuntError } from '../errors.ts'
import type { Step } from '../plan/launch-plan.ts'
import { type CgroupHost, unifiedHierarchy } from './hierarchies.ts'
import { type CgroupPlan, ownerSteps } from './plan-cgroup.ts'
import { directoryStep, openDirectory, type Slots } from './steps.ts'
import { enableSteps } from './v2/enable-controllers.ts'

const ANNOTATION = 'run.oci.delegate-cgroup'
const FROM = `annotations[${JSON.stringify(ANNOTATION)}]`

/** The path in an annotation, `/name`, or '' where it is not there or empty. One that leads elsewhere is a problem. */
export function subgroupOf(annotations: StringMap, name: string, problems: Problem[]): string {
  const text = annotations[name]
  if (!text) return ''
  const parts = text.split('/').filter((part) => part !== '')
  // cgroup_mkdir() of the kernel takes no newline, and a name of its files would be taken already.
  if (parts.length > 0 && parts.every((part) => part !== '.' && part !== '..' && !part.includes('\n'))) {
    return `/${parts.join('/')}`
  }
  problems.push({
    path: `annotations[${JSON.stringify(name)}]`,
    message: `${JSON.stringify(text)} is no path below a cgroup`,
  })
  return ''
}

/** For the runtime, while init waits in its new cgroup namespace: nothing where the annotation is not set. */
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
