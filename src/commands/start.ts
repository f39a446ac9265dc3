// start (runtime.md, "start"): starts the process of a created container and runs the poststart hooks.

import type { Context, Run } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { attempt, RuntError } from '../errors.ts'
import { explainer } from '../hints/explain.ts'
import { savedConfig } from '../launch/load-bundle.ts'
import { bindNotifySocket, checkManager, type NotifySocket, waitUntilReady } from '../launch/notify-socket.ts'
import { refuseDenied } from '../launch/refuse-denied.ts'
import { runPoststart } from '../launch/run-hooks.ts'
import type { LaunchEvent } from '../native.ts'
import { describeFailure, describeWarning } from '../plan/describe.ts'
import { type Container, loadContainer, noSuchContainer } from '../state/load-container.ts'
import { withLock } from '../state/lock.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, stateRoot } from '../state/state-root.ts'
import { containerStatus, type Status } from '../state/status.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { REPORT_FIFO, START_FIFO } from '../steps/protocol.ts'

export const start: Run<'start'> = (context, _flags, [id = '']) => {
  const { native, globals } = context
  const root = stateRoot(native, globals.root).path
  checkId(id)
  const done = withLock(native, `${root}/${id}`, () => startLocked(context, root, id))
  if (done === undefined) throw noSuchContainer(root)
  // Without the lock, so that deleting the container ends the wait.
  if (done.notify !== undefined) waitUntilReady(context, done.notify, done.record)
  return 0
}

interface Started {
  readonly record: ContainerRecord
  readonly notify: NotifySocket | undefined
}

function startLocked(context: Context, root: string, id: string): Started {
  const { native } = context
  // Read under the lock: another `start` may have come first.
  const container = loadContainer(native, root, id)
  const status = containerStatus(native, container.directory, container.record)
  if (status !== 'created') throw wrongStatus(status)
  if (container.record.startSteps.steps.length === 0)
    throw new RuntError('config', 'process: was not set in config.json: nothing to start', { path: 'process' })
  const notify = notifySocketOf(context, container)
  startInit(context, container)
  refuseDenied(native, container.record.denied, container.record.pid, 'started')
  runPoststart(native, container.record)
  return { record: container.record, notify }
}

/** The notify socket, if `create` has made a directory for it. */
function notifySocketOf(context: Context, { directory, record }: Container): NotifySocket | undefined {
  const address = record.notify === undefined ? undefined : context.native.env('NOTIFY_SOCKET')
  const manager = address === undefined || address === '' ? undefined : checkManager(context, address)
  return manager === undefined ? undefined : bindNotifySocket(context.native, directory, manager)
}

function wrongStatus(status: Status): RuntError {
  if (status === 'running') return new RuntError('state', 'cannot start an already running container')
  if (status === 'stopped') return new RuntError('state', 'cannot start a container that has stopped')
  return new RuntError('state', `cannot start a container that is ${status}`)
}

function startInit({ native, log }: Context, container: Container): void {
  const { directory, record } = container
  let event: LaunchEvent
  try {
    event = native.start(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENXIO') throw wrongStatus('stopped')
    throw hostFailure(directory, error)
  }
  native.unlink(`${directory}/${START_FIFO}`)
  native.unlink(`${directory}/${REPORT_FIFO}`)
  if (event.kind === 'paused' || (event.kind === 'done' && event.warnings.length === 0)) return
  // For messages.
  const config = attempt(() => savedConfig(native, directory))
  const plan = restOfPlan(record, config)
  const root = { path: record.rootfs, mounts: 'planned' } as const
  const explain = explainer({ native, plan, config, root, cgroups: record.cgroups })
  for (const warning of event.warnings) log.warn(describeWarning(plan, warning, explain))
  if (event.kind === 'failed') throw describeFailure(plan, event, explain)
}

/** The record contains init's remaining steps, because the plan no longer exists. */
function restOfPlan({ startSteps: { first, steps }, denied }: ContainerRecord, config: Config | undefined): LaunchPlan {
  const containerSteps: Step[] = []
  const { args = [], env = [] } = config?.process ?? {}
  steps.forEach((step, index) => {
    containerSteps[first + index] = (step.op === 'execve' ? { ...step, args, env } : step) as Step
  })
  return { slots: [], runtimeSteps: [], containerSteps, ...(denied && { denied }) }
}
