/**
 * Changes the limits of an existing container (runc-update(8)): the same writes as for a new one, in an order that
 * works whatever the old values are, to the directories recorded in state.json.
 *
 *   const steps = planUpdate({ resources, paths, rootless, devicesList, usage }, host, slots)
 *
 * `resources` is the change, completed by `updateResources`; see merge-resources.ts. `launch` runs the steps like any
 * others; there is no `clone` among them.
 */

import type { MemoryResources, Resources } from '../config/config.ts'
import { formatProblems, type Problem, RuntError } from '../errors.ts'
import type { Step } from '../steps/launch-plan.ts'
import { addShare, resourceWrites, type Shares } from './controllers.ts'
import { deviceRules } from './device-rules.ts'
import { type CgroupHost, findHierarchy, type Hierarchy } from './hierarchies.ts'
import { addWrites, openDirectory, type Slots } from './steps.ts'
import { devicesTransition } from './v1/devices.ts'
import { compileDeviceProgram } from './v2/device-program.ts'

export interface UpdateInput {
  readonly resources: Resources
  readonly paths: { readonly [controller: string]: string }
  readonly rootless: boolean
  /** v1, only if `resources.devices` is not empty: the text of the container's devices.list. */
  readonly devicesList?: string
  /** v2, only if `checkBeforeUpdate` is set: the text of memory.current. */
  readonly usage?: string
}

export interface UpdatePlan {
  readonly steps: readonly Step[]
  /** v2: replaces the program attached to the cgroup opened in the slot. Without a program everything is allowed. */
  readonly deviceFilter?: { readonly program: Uint8Array | undefined; readonly slot: number; readonly from: string }
}

export function planUpdate(input: UpdateInput, host: CgroupHost, slots: Slots): UpdatePlan {
  const problems: Problem[] = []
  const shares = resourceWrites(input.resources, host, 'update', problems)
  addDevices(shares, input, host, problems)
  if (input.usage !== undefined) problems.push(...usageProblems(input.resources.memory, input.usage))
  const steps: Step[] = []
  for (const [hierarchy, { controllers, writes }] of shares) {
    const directory = directoryOf(hierarchy, input.paths)
    if (directory !== undefined) {
      addWrites(steps, directory, writes, slots)
    } else {
      const message = `the container has no cgroup with the ${controllers.join(', ')} controller`
      problems.push(...writes.map(({ from }) => ({ path: from, message })))
    }
  }
  if (problems.length > 0) throw new RuntError('host', formatProblems(problems), { problems })

  const unified = input.paths['']
  const isFiltered =
    input.resources.devices.length > 0 && !input.rootless && findHierarchy(host, 'devices') === undefined
  if (unified === undefined || !isFiltered) return { steps }
  const slot = slots.allocate('cgroup')
  const from = 'linux.resources.devices'
  return {
    steps: [...steps, openDirectory(unified, slot, from)],
    deviceFilter: { program: compileDeviceProgram(deviceRules(input.resources.devices)), slot, from },
  }
}

/** With limits at or below the current usage the kernel would kill processes: `checkBeforeUpdate` refuses them. */
function usageProblems(memory: MemoryResources, text: string): Problem[] {
  const usage = BigInt(text.trim() || '0')
  const problems: Problem[] = []
  const check = (property: 'limit' | 'swap', name: string) => {
    const value = memory[property]
    if (!memory.checkBeforeUpdate || value === undefined || value <= 0n || value > usage) return
    problems.push({
      path: `linux.resources.memory.${property}`,
      message: `rejecting ${name} limit ${value} <= usage ${usage}`,
    })
  }
  check('swap', 'memory+swap')
  check('limit', 'memory')
  return problems
}

function addDevices(
  shares: Shares,
  { resources, rootless, devicesList }: UpdateInput,
  host: CgroupHost,
  problems: Problem[],
): void {
  const hierarchy = findHierarchy(host, 'devices')
  if (hierarchy === undefined || rootless || resources.devices.length === 0) return
  addShare(shares, hierarchy, 'devices', devicesTransition(resources, devicesList ?? '', problems))
}

function directoryOf(hierarchy: Hierarchy, paths: { readonly [controller: string]: string }): string | undefined {
  if (hierarchy.version === 2) return paths['']
  return hierarchy.controllers.map((controller) => paths[controller]).find((path) => path !== undefined)
}
