// Handles CRIU's notifications during a restore (criu.org, "RPC"): runs hooks once the namespaces exist, sends the
// terminal, and writes the record before the container runs.

import type { FlagsOf } from '../cli/command-table.ts'
import type { Config } from '../config/config.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { LoadedBundle } from '../launch/load-bundle.ts'
import { publish, startTimeOf } from '../launch/run-launch.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { planLaterHooks } from '../plan/hooks.ts'
import { namespaceOf, namespaceTypes } from '../state/namespace-links.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Notification } from './criu-request.ts'

type Flags = FlagsOf<'restore'>

/** The restored process, from CRIU's notifications, and its namespaces that the config does not name. */
export function identity(
  native: Native,
  { linux }: Config,
  pid: number | undefined,
): Pick<ContainerRecord, 'pid' | 'startTime' | 'namespaces'> {
  if (pid === undefined) throw new RuntError('host', 'criu: restore: did not report the restored process')
  const others = namespaceTypes.filter((type) => !linux.namespaces.some((namespace) => namespace.type === type))
  const namespaces = others.filter((type) => namespaceOf(native, type, 'self') !== namespaceOf(native, type, pid))
  return { pid, startTime: startTimeOf(native, pid), ...(namespaces.length > 0 && { namespaces }) }
}

/** The state of a restore. */
export interface RestoreState {
  readonly bundle: LoadedBundle
  readonly record: ContainerRecord
  readonly directory: string
  readonly flags: Flags
  /** What CRIU has reported so far. */
  readonly progress: Map<'pid' | 'terminal', number>
}

/** Does what is due at a notification; throws to make CRIU abort. */
export function handleNotification(native: Native, restoring: RestoreState, { script, pid, fd }: Notification): void {
  const { bundle, record, directory, flags, progress } = restoring
  if (script === 'setup-namespaces') runCreationHooks(native, restoring, pid)
  if (script === 'orphan-pts-master') takeTerminal(native, flags, fd, progress)
  if (script === 'post-restore') {
    progress.set('pid', pid)
    publish(native, directory, { ...record, ...identity(native, bundle.config, pid) }, flags)
    if (!flags.detach) native.holdSignals()
  }
}

function runCreationHooks(native: Native, { bundle, record }: RestoreState, pid: number): void {
  const { ociVersion, id, annotations } = record
  for (const kind of ['prestart', 'createRuntime'] as const) {
    const state = { ociVersion, id, status: 'created', bundle: bundle.path, annotations } as const
    for (const plan of planLaterHooks(kind, bundle.config.hooks[kind], state, pid)) {
      const event = native.launch(plan)
      if (event.kind === 'failed') throw describeFailure(plan, event)
    }
  }
}

function takeTerminal(native: Native, flags: Flags, fd: number, progress: RestoreState['progress']): void {
  if (fd < 0) return
  const socket = flags['console-socket']
  if (socket === undefined) {
    progress.set('terminal', fd)
    return
  }
  try {
    native.sendDescriptor(socket, fd, '/dev/ptmx')
  } catch (error) {
    throw hostFailure(`--console-socket ${socket}`, error)
  } finally {
    native.close(fd)
  }
}
