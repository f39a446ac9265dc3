// Config + HostFacts → LaunchPlan: the pure heart of runt. What is decided where: each section in its own file, the order in steps.ts.

import { delegatedSteps } from '../cgroup/delegated-cgroup.ts'
import { type CgroupPlan, planCgroup } from '../cgroup/plan-cgroup.ts'
import { planUnit } from '../cgroup/systemd/plan-unit.ts'
import type { Config, Process } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { cgroupOwner } from './cgroup-owner.ts'
import type { PlanContext, PlanOptions } from './context.ts'
import { capabilityWarnings } from './credentials.ts'
import type { HostFacts } from './host-facts.ts'
import { planRdt, type RdtPlan } from './intel-rdt.ts'
import type { LaunchPlan } from './launch-plan.ts'
import { planNamespaces } from './namespaces.ts'
import { createSlots, type Slots } from './slots.ts'
import { orderSteps } from './steps.ts'

/** A plan, and what else the command has to know. */
export interface CreatePlan {
  readonly plan: LaunchPlan
  /** The cgroups the plan makes: for state.json and for removal. */
  readonly cgroup: CgroupPlan
  readonly rdt: RdtPlan
  readonly warnings: readonly string[]
}

/** "This property is REQUIRED when start is called" (config.md "Process"): a container can be created without. */
const noProcess: Process = {
  terminal: false,
  cwd: '/',
  env: [],
  args: [],
  user: { uid: 0, gid: 0, additionalGids: [] },
  rlimits: [],
  noNewPrivileges: false,
  execCPUAffinity: {},
}

/** Plan `create` or `run`. Throws RuntError for what this config cannot have on this host. */
export function planCreate(config: Config, facts: HostFacts, options: PlanOptions): CreatePlan {
  const { linux, process = noProcess } = config
  if (process === noProcess && options.mode === 'run')
    throw new RuntError('config', 'process: is missing: nothing to run', { path: 'process' })
  const slots = createSlots()
  const { cgroup, rootless, owner } = planCgroups(config, facts, options, slots)
  const context: PlanContext = {
    config,
    process,
    linux,
    facts,
    options,
    slots,
    cgroup,
    delegated: delegatedSteps(config.annotations, cgroup, facts.cgroups, { rootless, owner }, slots),
    rdt: planRdt(linux.intelRdt, options.id, options.resctrl),
    namespaces: planNamespaces(linux, facts),
    shared: {
      root: slots.allocate('root'),
      start: { request: slots.allocate('start.fifo'), report: slots.allocate('report.fifo') },
      proc: undefined,
      dev: undefined,
      devpts: undefined,
      userNamespace: undefined,
      own: [],
      idMappings: new Map(),
      readonlyLater: [],
    },
    warnings: [],
  }
  const { runtimeSteps, containerSteps, warnings } = orderSteps(context)
  return {
    plan: { slots: slots.names, runtimeSteps, containerSteps },
    cgroup,
    rdt: context.rdt,
    warnings: [...context.warnings, ...warnings, ...capabilityWarnings(context)],
  }
}

/** The cgroups of a new container, as `create` and `restore` make them: by ourselves or by systemd. */
export function planCgroups(
  config: Config,
  facts: HostFacts,
  { id, systemd, ...made }: Pick<PlanOptions, 'id' | 'stateDirectory' | 'systemd' | 'threaded' | 'claims'>,
  slots: Slots,
): { readonly cgroup: CgroupPlan; readonly rootless: boolean; readonly owner: number | undefined } {
  const { annotations, linux } = config
  const { cgroupsPath, resources } = linux
  const rootless = facts.euid !== 0 || facts.inUserNamespace
  const owner = rootless ? undefined : cgroupOwner(config)
  const { threaded, claims, stateDirectory } = made
  const input = { id, cgroupsPath, resources, rootless, owner, threaded, claims, stateDirectory }
  const cgroup =
    systemd === undefined
      ? planCgroup(input, facts.cgroups, slots)
      : planUnit({ ...input, annotations }, facts.cgroups, systemd, slots)
  return { cgroup, rootless, owner }
}
