// The moments of a restore that are ours, as CRIU tells of them (criu.org, "RPC"): hooks once the namespaces are there, the terminal, and the
// record before the container runs.

import type { FlagsOf } from '../cli/command-table.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { planLaterHooks } from '../plan/hooks.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Notification } from './ask-criu.ts'
import type { LoadedBundle } from './load-bundle.ts'
import { publish, startTimeOf } from './run-launch.ts'

type Flags = FlagsOf<'restore'>

/** Who was restored, by what CRIU has said. */
export function identity(native: Native, pid: number | undefined): Pick<ContainerRecord, 'pid' | 'startTime'> {
  if (pid === undefined) throw new RuntError('host', 'criu: restore: it has not said which process it restored')
  return { pid, startTime: startTimeOf(native, pid) }
}

/** A container while it is being restored. */
export interface Making {
  readonly bundle: LoadedBundle
  readonly record: ContainerRecord
  readonly directory: string
  readonly flags: Flags
  /** What CRIU has said so far. */
  readonly progress: Map<'pid' | 'terminal', number>
}

/** Does what is due at a notification; throws to make CRIU give up. */
export function follow(native: Native, making: Making, { script, pid, fd }: Notification): void {
  const { record, directory, flags, progress } = making
  if (script === 'setup-namespaces') runCreationHooks(native, making, pid)
  if (script === 'orphan-pts-master') takeTerminal(native, flags, fd, progress)
  if (script === 'post-restore') {
    progress.set('pid', pid)
    publish(native, directory, { ...record, ...identity(native, pid) }, flags)
    if (!flags.detach) native.holdSignals()
  }
}

function runCreationHooks(native: Native, { bundle, record }: Making, pid: number): void {
  const { ociVersion, id, annotations } = record
  for (const kind of ['prestart', 'createRuntime'] as const) {
    const state = { ociVersion, id, status: 'created', bundle: bundle.path, annotations } as const
    for (const plan of planLaterHooks(kind, bundle.config.hooks[kind], state, pid)) {
      const event = native.launch(plan, { preserveFds: 0 })
      if (event.kind === 'failed') throw describeFailure(plan, event)
    }
  }
}

function takeTerminal(native: Native, flags: Flags, fd: number, progress: Making['progress']): void {
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
