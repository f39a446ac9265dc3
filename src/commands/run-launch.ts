// Runs the plan of a container, and does in its pauses what is TypeScript's to do: what others learn of the container, and what
// systemd is asked. What was made is taken away again by launch-container.ts where this throws.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import { startUnit as startScope } from '../cgroup/systemd/conversation.ts'
import { pidProperty } from '../cgroup/systemd/properties.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeFailure, describeWarning } from '../plan/describe.ts'
import type { CreatePlan } from '../plan/plan.ts'
import { type ContainerRecord, encodeRecord, STATE_FILE } from '../state/record.ts'
import { converse, type Systemd } from '../state/systemd.ts'
import type { Context } from './context.ts'
import { type PublishFlags, publishProcess } from './publish-process.ts'
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
  /** `kept`: the terminal is ours to serve. */
  readonly terminal: 'kept' | 'sent'
  /** `hold`: the container's signals will come through us, so none may end us before. */
  readonly signals: 'hold' | 'leave'
  /** `asked`: --seccomp-log, calls the profile denies are ours to answer. */
  readonly seccomp: 'loaded' | 'asked'
}

/** All that is decided before anything is made. */
export interface Launch {
  readonly directory: string
  readonly record: ContainerRecord
  readonly planned: CreatePlan
  readonly flags: LaunchFlags
  readonly preserveFds: number
  readonly how: LaunchOptions
  /** With --systemd-cgroup. */
  readonly systemd: Systemd | undefined
}

/** What a launch came to. */
export interface Launched {
  readonly directory: string
  readonly record: ContainerRecord
  /** The master of a terminal that is kept, or -1. */
  readonly terminal: number
  /** Where the calls wait that --seccomp-log reports, or -1. */
  readonly listener: number
}

export function runLaunch({ native, log }: Context, launch: Launch): Launched {
  const { directory, record, how } = launch
  const { plan } = launch.planned
  let launched = record
  const event = runPlan(native, plan, launch.preserveFds, (step, pid) => {
    if (step?.op === 'start_unit') return startUnit(native, launch.planned.cgroup, launch.systemd, pid)
    launched = { ...record, pid, startTime: startTimeOf(native, pid) }
    publish(native, directory, launched, launch.flags)
    // What comes from here on waits for `supervise`.
    if (how.signals === 'hold') native.holdSignals()
  })
  if (event.kind === 'failed') throw describeFailure(plan, event)
  for (const warning of event.warnings) log.warn(describeWarning(plan, warning))
  // A created container needs the other calls only when it starts.
  const denied = how.mode === 'run' ? plan.denied : plan.denied?.filter(({ name }) => name === 'read')
  refuseDenied(native, denied, event.pid, 'launched')
  return { directory, record: launched, terminal: event.terminal, listener: event.kept }
}

/** The step start_unit: systemd makes the unit, with the process in it. */
export function startUnit(native: Native, { unit }: CgroupPlan, systemd: Systemd | undefined, pid: number): void {
  if (unit === undefined || systemd === undefined)
    throw new RuntError('internal', 'start_unit without --systemd-cgroup')
  const properties = [...unit.properties, pidProperty(pid)]
  converse(native, systemd, (session) => startScope(session, unit.name, properties), `start ${unit.name}`)
}

/** What others learn of the container, before it can run without us. */
export function publish(native: Native, directory: string, record: ContainerRecord, flags: PublishFlags): void {
  native.writeFileAtomic(`${directory}/${STATE_FILE}`, encodeRecord(record), 0o600)
  publishProcess(native, record.pid, flags)
}

export function startTimeOf(native: Native, pid: number): string {
  const status = native.processStatus(pid)
  if (status === undefined) throw new RuntError('kernel', `init (pid ${pid}) has ended before it was ready`)
  return status.startTime
}
