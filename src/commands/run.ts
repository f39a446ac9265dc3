// run: creates and starts a container; in the foreground forwards signals and the terminal until its process ends, and
// exits with its status.

import type { Context, Run } from '../cli/context.ts'
import { RuntError } from '../errors.ts'
import { type LaunchedContainer, launchContainer } from '../launch/launch-container.ts'
import { superviseNotifying, waitUntilReady } from '../launch/notify-socket.ts'
import { removeContainer } from '../launch/remove-container.ts'
import { runPoststart } from '../launch/run-hooks.ts'
import { superviseContainer } from '../launch/supervise-container.ts'
import { superviseDenied } from '../launch/supervise-denied.ts'
import type { Native } from '../native.ts'

export const run: Run<'run'> = (context, flags, [id = '']) => {
  const { native } = context
  if (flags['seccomp-log']) checkSeccompLog(native, flags.detach)
  // Before the launch, so that orphans of the container's processes are reparented to us from the start.
  if (!flags.detach && !flags['no-subreaper']) native.becomeSubreaper()
  const container = launchContainer(context, id, flags, {
    mode: 'run',
    terminal: flags.detach || flags['console-socket'] !== undefined ? 'sent' : 'kept',
    signals: flags.detach ? 'leave' : 'hold',
    seccomp: flags['seccomp-log'] ? 'asked' : 'loaded',
  })
  if (container.record.hooks.poststart.length > 0) afterStart(context, container)
  if (flags.detach) {
    if (container.notify !== undefined) waitUntilReady(context, container.notify, container.record)
    return 0
  }
  return superviseContainer(context, 'run', container, flags.keep ? 'keep' : 'remove', () =>
    supervise(context, container),
  )
}

/** The runtime must stay to respond to notifications, and cannot do anything else meanwhile. */
function checkSeccompLog(native: Native, detach: boolean): void {
  if (detach) throw new RuntError('usage', '--seccomp-log does not go with --detach')
  if (native.env('NOTIFY_SOCKET')) throw new RuntError('usage', '--seccomp-log does not go with NOTIFY_SOCKET')
}

/** A failing poststart hook has stopped the container, and nobody will delete it. */
function afterStart(context: Context, container: LaunchedContainer): void {
  try {
    runPoststart(context.native, container.record)
  } catch (error) {
    removeContainer(context, container, 'spare')
    throw error
  }
}

function supervise(context: Context, container: LaunchedContainer): number {
  const { record, terminal, listener, notify } = container
  if (listener >= 0) return superviseDenied(context, container)
  if (notify !== undefined) return superviseNotifying(context, notify, record, terminal)
  return context.native.supervise(record.pid, terminal, -1)
}
