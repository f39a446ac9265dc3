// What `delete` and the end of `run` share (runtime.md, "delete", and the end of the lifecycle): removes cgroups and
// mounts, runs poststop hooks and removes the state, in this order. The state is last, so that a `delete` that was
// killed in a hook can be repeated.

import type { Context } from '../cli/context.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { unmountHostMounts } from '../host/host-mounts.ts'
import { destroyCgroups } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import type { UnitRecord } from '../state/record.ts'
import { removeStateDirectory } from '../state/remove-state-directory.ts'
import { removeUnit } from '../state/systemd.ts'
import { runHooks } from './run-hooks.ts'

/**
 * Removes what is left of a container whose init has ended. `others`: what to do with other processes in its cgroups.
 */
export function removeContainer(context: Context, container: Container, others: 'spare' | 'kill'): void {
  try {
    removeAll(context, container, others)
  } catch (error) {
    throw leftBehind(container.directory, error)
  }
}

/** The error of an incomplete removal, with a hint how to complete it. */
export function leftBehind(directory: string, error: unknown): unknown {
  const failure = hostFailure(directory, error)
  if (!(failure instanceof RuntError)) return failure
  const id = directory.slice(directory.lastIndexOf('/') + 1)
  const message = `${failure.message}; "runt delete --force ${id}" removes what is left`
  return new RuntError(failure.code, message, { cause: failure })
}

function removeAll(context: Context, { directory, record }: Container, others: 'spare' | 'kill'): void {
  destroyCgroups(context.native, record, others)
  if (record.unit !== undefined) forgetUnit(context, record.unit)
  unmountHostMounts(context, record)
  if (record.hooks.poststop.length > 0) {
    // "If any poststop hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue".
    runHooks(context.native, 'poststop', record, (problem) => context.log.warn(problem))
  }
  removeStateDirectory(context.native, directory)
}

/**
 * Removes the unit. The container is gone in any case: if systemd does not respond, its state must still be removed.
 */
function forgetUnit({ native, log }: Context, unit: UnitRecord): void {
  try {
    removeUnit(native, unit)
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
    log.warn(error.message)
  }
}
