// What `delete` and the end of `run` have in common (runtime.md, "delete", and the end of the lifecycle): cgroups, mounts, poststop
// hooks, state, in this order. The state goes last, so that a `delete` that was killed in a hook can be repeated.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { destroyCgroups } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import type { UnitRecord } from '../state/record.ts'
import { removeStateDirectory } from '../state/remove-state-directory.ts'
import { removeUnit } from '../state/systemd.ts'
import type { Context } from './context.ts'

/** Removes what is left of a container whose init has ended. `others`: what is to become of who else is in its cgroups. */
export async function removeContainer(context: Context, container: Container, others: 'spare' | 'kill'): Promise<void> {
  try {
    await removeAll(context, container, others)
  } catch (error) {
    throw leftBehind(container.directory, error)
  }
}

/** The error of a removal that was not finished, with what finishes it. */
export function leftBehind(directory: string, error: unknown): unknown {
  const failure = hostFailure(directory, error)
  if (!(failure instanceof RuntError)) return failure
  const id = directory.slice(directory.lastIndexOf('/') + 1)
  const message = `${failure.message}; "runt delete --force ${id}" removes what is left`
  return new RuntError(failure.code, message, { cause: failure })
}

async function removeAll(context: Context, { directory, record }: Container, others: 'spare' | 'kill'): Promise<void> {
  destroyCgroups(context.native, record, others)
  if (record.unit !== undefined) forgetUnit(context, record.unit)
  if (record.hostMounts !== undefined) {
    const { unmountHostMounts } = await import('./host-mounts.ts')
    unmountHostMounts(context, record)
  }
  if (record.hooks.poststop.length > 0) {
    const { runHooks } = await import('./run-hooks.ts')
    // "If any poststop hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue".
    runHooks(context.native, 'poststop', record, (problem) => context.log.warn(problem))
  }
  removeStateDirectory(context.native, directory)
}

/** The container is gone, with or without systemd's help: a systemd that does not answer must not keep its state. */
function forgetUnit({ native, log }: Context, unit: UnitRecord): void {
  try {
    removeUnit(native, unit)
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
    log.warn(error.message)
  }
}
