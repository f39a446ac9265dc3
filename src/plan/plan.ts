// Config + HostFacts → LaunchPlan: the pure heart of runt. What is decided where: each section in its own file, the order in steps.ts.

import { type CgroupPlan, planCgroup } from '../cgroup/plan-cgroup.ts'
import type { Config } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { cgroupOwner } from './cgroup-owner.ts'
import type { PlanContext, PlanOptions } from './context.ts'
import { capabilityWarnings } from './credentials.ts'
import type { HostFacts } from './host-facts.ts'
import { planRdt, type RdtPlan } from './intel-rdt.ts'
import type { LaunchPlan } from './launch-plan.ts'
import { planNamespaces } from './namespaces.ts'
import { createSlots } from './slots.ts'
import { orderSteps } from './steps.ts'

/** PLAN_SLOTS of addon/plan_block.h. */
export const SLOT_LIMIT = 512

/** A plan, and what else the command has to know. */
export interface CreatePlan {
  readonly plan: LaunchPlan
  /** The cgroups the plan makes: for state.json and for removal. */
  readonly cgroup: CgroupPlan
  readonly rdt: RdtPlan
  readonly warnings: readonly string[]
}

/** Plan `create` or `run`. Throws RuntError for what this config cannot have on this host. */
export function planCreate(config: Config, facts: HostFacts, options: PlanOptions): CreatePlan {
  const { linux, process } = config
  if (process === undefined) throw new RuntError('config', 'process: is missing: nothing to run', { path: 'process' })
  const slots = createSlots()
  const rootless = facts.euid !== 0 || facts.inUserNamespace
  const cgroup = planCgroup(
    {
      id: options.id,
      cgroupsPath: linux.cgroupsPath,
      resources: linux.resources,
      rootless,
      owner: rootless ? undefined : cgroupOwner(config),
    },
    facts.cgroups,
    slots,
  )
  const context: PlanContext = {
    config,
    process,
    linux,
    facts,
    options,
    slots,
    cgroup,
    rdt: planRdt(linux.intelRdt, options.id, options.resctrl),
    namespaces: planNamespaces(linux, facts),
    shared: {
      root: slots.allocate('root'),
      start: { request: slots.allocate('start.fifo'), report: slots.allocate('report.fifo') },
      proc: undefined,
      dev: undefined,
      devpts: undefined,
      userNamespace: undefined,
      idMappings: new Map(),
      readonlyLater: [],
    },
  }
  const { runtimeSteps, containerSteps, warnings } = orderSteps(context)
  // What is cloned by the runtime needs a slot until init has it: with a user namespace every bind mount.
  if (slots.names.length > SLOT_LIMIT)
    throw new RuntError('config', `mounts: ${slots.names.length} descriptors are needed, ${SLOT_LIMIT} can be had`, {
      path: 'mounts',
    })
  return {
    plan: { slots: slots.names, runtimeSteps, containerSteps },
    cgroup,
    rdt: context.rdt,
    warnings: [...warnings, ...capabilityWarnings(context)],
  }
}
