// run: create and start in one, then, in the foreground, stand for the container's process until it ends: its signals, its
// terminal, its exit status.

import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { Context, Run } from './context.ts'
import { type LaunchedContainer, launchContainer } from './launch-container.ts'
import { superviseNotifying, waitUntilReady } from './notify-socket.ts'
import { removeContainer } from './remove-container.ts'
import { superviseContainer } from './supervise-container.ts'

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
  return superviseContainer(context, container, flags.keep ? 'keep' : 'remove', () => supervise(context, container))
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

async function supervise(context: Context, container: LaunchedContainer): Promise<number> {
  const { record, terminal, listener, notify } = container
  if (listener >= 0) return (await import('./answer-denied.ts')).superviseDenied(context, container)
  if (notify !== undefined) return superviseNotifying(context, notify, record, terminal)
  return context.native.supervise(record.pid, terminal, -1)
}
