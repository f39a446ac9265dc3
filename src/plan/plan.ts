// Config + HostFacts → LaunchPlan, without side effects. Each section of the spec has its own file; order.ts has the
// order.

import { delegatedSteps } from '../cgroup/delegated-cgroup.ts'
import { deniesDevices, noCgroups, unlimited } from '../cgroup/no-cgroups.ts'
import { type CgroupPlan, planCgroup } from '../cgroup/plan-cgroup.ts'
import { planUnit } from '../cgroup/unit/plan-unit.ts'
import type { Config, Process } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { createSlots, type Slots } from '../steps/slots.ts'
import { cgroupOwner } from './cgroup-owner.ts'
import type { PlanContext, PlanOptions } from './context.ts'
import { capabilityWarnings } from './credentials.ts'
import { type HostFacts, isTolerant, isUnprivileged } from './host-facts.ts'
import { planRdt, type RdtPlan } from './intel-rdt.ts'
import { refuseLabels } from './labels.ts'
import { planNamespaces } from './namespaces.ts'
import { orderSteps } from './order.ts'
import { pathsElsewhere } from './own-mounts.ts'

/** A plan, and what else the command needs. */
export interface CreatePlan {
  readonly plan: LaunchPlan
  /** The cgroups the plan makes: for state.json and for removal. */
  readonly cgroup: CgroupPlan
  readonly rdt: RdtPlan
  readonly warnings: readonly string[]
}

/** "This property is REQUIRED when start is called" (config.md "Process"): a container can be created without it. */
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

/** Plans `create` or `run`. Throws RuntError if the host does not support what the config asks for. */
export function planCreate(config: Config, facts: HostFacts, options: PlanOptions): CreatePlan {
  const { linux, process = noProcess } = config
  if (process === noProcess && options.mode === 'run')
    throw new RuntError('config', 'process: is required for run', { path: 'process' })
  refuseLabels({ process, linux, facts })
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
      pathsElsewhere: pathsElsewhere(linux),
      idMappings: new Map(),
      readonlyLater: [],
    },
    warnings: [],
  }
  if (cgroup.unit === undefined && Object.keys(cgroup.paths).length === 0) warnOfNoCgroups(context)
  const { runtimeSteps, containerSteps, warnings, denied } = orderSteps(context)
  return {
    plan: { slots: slots.names, runtimeSteps, containerSteps, ...(denied && { denied }) },
    cgroup,
    rdt: context.rdt,
    warnings: [...context.warnings, ...warnings, ...capabilityWarnings(context)],
  }
}

/**
 * crun gives no warning about limits; runc warns of the namespace, and refuses limits if an unprivileged user can have no
 * cgroup.
 */
function warnOfNoCgroups({ linux, namespaces, facts, warnings }: PlanContext): void {
  const properties = [...unlimited(linux.resources, facts.cgroups)]
  // File permissions alone decide which devices an unprivileged user can open.
  if (!isUnprivileged(facts) && deniesDevices(linux.resources)) properties.push('linux.resources.devices')
  if (properties.length > 0) warnings.push(`${properties.join(', ')}: not enforced without cgroups`)
  if (namespaces.of('pid') === 'new') return
  const reached = 'kill and delete only reach its first process'
  warnings.push(`linux.namespaces: without cgroups and a pid namespace of its own, ${reached}`)
}

/** The cgroups of a new container, for `create` and `restore`: created directly or by systemd. */
export function planCgroups(
  config: Config,
  facts: HostFacts,
  {
    id,
    systemd,
    ...made
  }: Pick<
    PlanOptions,
    'id' | 'stateDirectory' | 'systemd' | 'threaded' | 'claims' | 'access' | 'rootless' | 'withoutCgroups'
  >,
  slots: Slots,
): { readonly cgroup: CgroupPlan; readonly rootless: boolean; readonly owner: number | undefined } {
  const { annotations, linux } = config
  const { cgroupsPath, resources } = linux
  const rootless = isUnprivileged(facts)
  const tolerant = isTolerant(made.rootless, facts)
  const owner = rootless ? undefined : cgroupOwner(config)
  const { threaded, claims, stateDirectory, access } = made
  if (made.withoutCgroups) return { cgroup: noCgroups(facts.cgroups), rootless, owner }
  const input = { id, cgroupsPath, resources, rootless, tolerant, owner, threaded, access, claims, stateDirectory }
  const cgroup =
    systemd === undefined
      ? planCgroup(input, facts.cgroups, slots)
      : planUnit({ ...input, annotations }, facts.cgroups, systemd, slots)
  return { cgroup, rootless, owner }
}
