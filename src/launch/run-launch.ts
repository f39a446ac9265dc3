// Runs the plan of a container and handles its pauses: publishes the container and calls systemd. launch-container.ts
// cleans up if this throws.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import { pidProperty } from '../cgroup/unit/properties.ts'
import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { explainer, type Scene } from '../hints/explain.ts'
import type { Native } from '../native.ts'
import { describeFailure, describeWarning } from '../plan/describe.ts'
import type { CreatePlan } from '../plan/plan.ts'
import { type ContainerRecord, encodeRecord, STATE_FILE } from '../state/record.ts'
import { converse, type Systemd } from '../state/systemd.ts'
import { setUnitProperties, startUnit as startScope } from '../systemd/conversation.ts'
import { type PublishFlags, reportPid } from './pid-file.ts'
import { refuseDenied } from './refuse-denied.ts'
import { runPlan } from './run-plan.ts'

export interface LaunchFlags {
  readonly bundle: string | undefined
  readonly 'console-socket': string | undefined
  readonly 'pidfd-socket': string | undefined
  readonly 'pid-file': string | undefined
  readonly 'no-pivot': boolean
  readonly 'no-new-keyring': boolean
  readonly 'preserve-fds': number
}

export interface LaunchOptions {
  readonly mode: 'create' | 'run'
  /** `kept`: the runtime serves the terminal. */
  readonly terminal: 'kept' | 'sent'
  /**
   * `hold`: blocks signals, because the runtime will forward them to the container and must not be ended by one before.
   */
  readonly signals: 'hold' | 'leave'
  /** `asked`: --seccomp-log, the runtime responds to denied calls. */
  readonly seccomp: 'loaded' | 'asked'
}

/** Everything that is decided before anything is created. */
export interface Launch {
  readonly directory: string
  readonly record: ContainerRecord
  readonly planned: CreatePlan
  readonly flags: LaunchFlags
  readonly how: LaunchOptions
  /** With --systemd-cgroup. */
  readonly systemd: Systemd | undefined
}

/** The result of a launch. */
export interface Launched {
  readonly directory: string
  readonly record: ContainerRecord
  /** The master of a terminal that the runtime serves, or -1. */
  readonly terminal: number
  /** The seccomp listener of --seccomp-log, or -1. */
  readonly listener: number
}

export function runLaunch({ native, log }: Context, launch: Launch, config: Config): Launched {
  const { directory, record, how } = launch
  const { plan } = launch.planned
  let launched = record
  const event = runPlan(native, plan, (step, pid) => {
    if (step?.op === 'start_unit') return startUnit(native, launch.planned.cgroup, launch.systemd, pid)
    limitUnit(native, launch.planned.cgroup, launch.systemd)
    launched = { ...record, pid, startTime: startTimeOf(native, pid) }
    publish(native, directory, launched, launch.flags)
    // `supervise` handles signals that arrive from here on.
    if (how.signals === 'hold') native.holdSignals()
  })
  if (event.kind === 'failed') throw describeFailure(plan, event, explainer(sceneOf(native, launch, config)))
  log.debug(how.mode === 'run' ? 'init has executed the program' : 'init waits for start')
  for (const warning of event.warnings)
    log.warn(describeWarning(plan, warning, explainer(sceneOf(native, launch, config))))
  // A created container needs the other calls only when it starts.
  const denied = how.mode === 'run' ? plan.denied : plan.denied?.filter(({ name }) => name === 'read')
  refuseDenied(native, denied, event.pid, 'launched')
  return { directory, record: launched, terminal: event.terminal, listener: event.kept }
}

/** init has ended, and with it the mount namespace. */
const sceneOf = (native: Native, { planned, record }: Launch, config: Config): Scene => ({
  native,
  plan: planned.plan,
  config,
  root: { path: record.rootfs, mounts: 'planned' },
  cgroups: record.cgroups,
})

/** The step start_unit: systemd creates the unit with the process in it. */
export function startUnit(native: Native, { unit }: CgroupPlan, systemd: Systemd | undefined, pid: number): void {
  if (unit === undefined || systemd === undefined)
    throw new RuntError('internal', 'start_unit without --systemd-cgroup')
  const properties = [...unit.properties, pidProperty(pid)]
  converse(native, systemd, (session) => startScope(session, unit.name, properties), `start ${unit.name}`)
}

/** Sets limits that systemd must not set while init forks. */
export function limitUnit(native: Native, { unit }: CgroupPlan, systemd: Systemd | undefined): void {
  const late = unit?.late ?? []
  if (unit === undefined || systemd === undefined || late.length === 0) return
  converse(native, systemd, (session) => setUnitProperties(session, unit.name, late), `set properties of ${unit.name}`)
}

/** Publishes the container before it can run without the runtime. */
export function publish(native: Native, directory: string, record: ContainerRecord, flags: PublishFlags): void {
  native.writeFileAtomic(`${directory}/${STATE_FILE}`, encodeRecord(record), 0o600)
  reportPid(native, record.pid, flags)
}

export function startTimeOf(native: Native, pid: number): string {
  const status = native.processStatus(pid)
  if (status === undefined) throw new RuntError('kernel', `init (pid ${pid}) has ended before it was ready`)
  return status.startTime
}
