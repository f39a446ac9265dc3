// run: create and start in one, then, in the foreground, stand for the container's process until it ends: its signals, its
// terminal, its exit status.

import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { killInit } from '../state/destroy-container.ts'
import type { Context, Run } from './context.ts'
import { type LaunchedContainer, launchContainer } from './launch-container.ts'
import { superviseNotifying, waitUntilReady } from './notify-socket.ts'
import { removeContainer } from './remove-container.ts'

export const run: Run<'run'> = async (context, flags, [id = '']) => {
  const { native } = context
  if (flags['seccomp-log']) checkSeccompLog(native, flags.detach)
  // Before the launch: what the container's processes leave behind is adopted from the start.
  if (!flags.detach && !flags['no-subreaper']) native.becomeSubreaper()
  const container = launchContainer(context, id, flags, {
    mode: 'run',
    terminal: flags.detach || flags['console-socket'] !== undefined ? 'sent' : 'kept',
    signals: flags.detach ? 'leave' : 'hold',
    seccomp: flags['seccomp-log'] ? 'asked' : 'loaded',
  })
  if (container.record.hooks.poststart.length > 0) await runPoststart(context, container)
  if (flags.detach) {
    if (container.notify !== undefined) waitUntilReady(context, container.notify, container.record)
    return 0
  }
  try {
    return await superviseContainer(context, container)
  } finally {
    if (!flags.keep) await removeContainer(context, container, 'spare')
  }
}

/** Who answers calls has no time for anything else, and must stay. */
function checkSeccompLog(native: Native, detach: boolean): void {
  if (detach) throw new RuntError('usage', '--seccomp-log does not go with --detach')
  if (native.env('NOTIFY_SOCKET')) throw new RuntError('usage', '--seccomp-log does not go with NOTIFY_SOCKET')
}

/** A failing hook has stopped the container; nobody will come to delete it. */
async function runPoststart(context: Context, container: LaunchedContainer): Promise<void> {
  const hooks = await import('./run-hooks.ts')
  try {
    hooks.runPoststart(context.native, container.record)
  } catch (error) {
    await removeContainer(context, container, 'spare')
    throw error
  }
}

/** Whatever goes wrong here, no process stays that nobody watches. */
async function superviseContainer(context: Context, container: LaunchedContainer): Promise<number> {
  const { native } = context
  const { record, terminal, listener, notify } = container
  try {
    if (listener >= 0) return (await import('./answer-denied.ts')).superviseDenied(context, container)
    if (notify !== undefined) return superviseNotifying(context, notify, record, terminal)
    return native.supervise(record.pid, terminal, -1)
  } catch (error) {
    killInit(native, record)
    throw error
  }
}
