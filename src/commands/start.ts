// start (runtime.md, "start"): lets a created container's process run, and runs the poststart hooks.

import { errnoOf, errnoText, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { type LaunchEvent, REPORT_FIFO, START_FIFO } from '../native.ts'
import { killInit } from '../state/destroy-container.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import type { ContainerRecord } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus, isAlive, type Status } from '../state/status.ts'
import type { Context, Run } from './context.ts'

export const start: Run<'start'> = async (context, _flags, [id = '']) => {
  const { native, globals } = context
  const root = stateRoot(native, globals.root).path
  const { directory } = loadContainer(native, root, id)
  native.lock(directory, 'wait')
  // Read again under the lock: another `start` may have been faster.
  const container = loadContainer(native, root, id)
  const status = containerStatus(native, directory, container.record)
  if (status !== 'created') throw wrongStatus(status)
  startInit(context, container)
  await runPoststart(context, container.record)
  return 0
}

function wrongStatus(status: Status): RuntError {
  if (status === 'running') return new RuntError('state', 'cannot start an already running container')
  if (status === 'stopped') return new RuntError('state', 'cannot start a container that has stopped')
  return new RuntError('state', `cannot start a container that is ${status}`)
}

function startInit({ native, log }: Context, { directory, record }: Container): void {
  let event: LaunchEvent
  try {
    event = native.start(directory)
  } catch (error) {
    if (errnoOf(error) === 'ENXIO') throw wrongStatus('stopped')
    throw hostFailure(directory, error)
  }
  native.unlink(`${directory}/${START_FIFO}`)
  native.unlink(`${directory}/${REPORT_FIFO}`)
  for (const warning of 'warnings' in event ? event.warnings : []) log.warn(startSentence(record, warning))
  if (event.kind === 'failed') throw new RuntError('kernel', startSentence(record, event))
}

/** The plan is gone by now; what init had left to do is in the record. */
function startSentence(
  record: ContainerRecord,
  report: { step: number; syscall: string; code: string; detail: string },
): string {
  const { first, steps } = record.startSteps
  const from = steps[report.step - first]?.[1] ?? `step ${report.step}`
  const reason = report.code === '' ? '' : `: ${errnoText(report.code)}`
  return `${from}: ${report.syscall}${reason}${report.detail === '' ? '' : `: ${report.detail}`}`
}

/** "If any poststart hook fails, the runtime MUST generate an error, stop the container", and go on with its end. */
async function runPoststart({ native }: Context, record: ContainerRecord): Promise<void> {
  if (record.hooks.poststart.length === 0) return
  const { runHooks } = await import('./run-hooks.ts')
  runHooks(native, 'poststart', record, (problem) => {
    if (isAlive(native, record)) killInit(native, record)
    throw new RuntError('config', problem)
  })
}
