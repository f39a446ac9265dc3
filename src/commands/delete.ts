// delete (runtime.md, "delete"): removes a stopped container; a created one as well, which its init does not outlive, as with
// runc. With --force whatever the state is, also where the record of it is broken.

import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { destroyCgroups, killInit } from '../state/destroy-container.ts'
import { forceLock } from '../state/force-lock.ts'
import { type Container, findContainer, loadContainer, salvageRecord } from '../state/load-container.ts'
import { inTurn, isGone, withLock } from '../state/lock.ts'
import { CGROUP_LINK, cgroupDirectories } from '../state/record.ts'
import { removeStateDirectory } from '../state/remove-state-directory.ts'
import { checkId, stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import type { Context, Run } from './context.ts'
import { removeContainer } from './remove-container.ts'

export const deleteContainer: Run<'delete'> = async (context, { force }, [id = '']) => {
  const { native } = context
  const root = stateRoot(native, context.globals.root).path
  checkId(id)
  if (force) return forceDelete(context, root, id)
  const done = await withLock(native, `${root}/${id}`, () => deleteEnded(context, root, id))
  if (done === undefined) throw new RuntError('state', 'container does not exist')
  return done
}

async function deleteEnded(context: Context, root: string, id: string): Promise<number> {
  const { native } = context
  const container = loadContainer(native, root, id)
  const status = containerStatus(native, container.directory, container.record)
  if (status === 'running' || status === 'paused' || (status === 'creating' && isInhabited(native, container))) {
    throw new RuntError('state', `cannot delete container ${id} that is not stopped: ${status}`)
  }
  if (status === 'created') killInit(native, container.record)
  await removeContainer(context, container, 'spare')
  return 0
}

/** A creation that was interrupted, or lost its state.json: its processes are found in the cgroups only. */
function isInhabited(native: Native, { record }: Container): boolean {
  return cgroupDirectories(record).some((directory) => native.signalCgroup(directory, 0) > 0)
}

async function forceDelete(context: Context, root: string, id: string): Promise<number> {
  const { native } = context
  const directory = `${root}/${id}`
  const before = findContainer(native, root, id)
  if (before.kind === 'none') {
    await removeLost(context, directory, id)
    return 0
  }
  // Killed before the lock is waited for: a `create` that hangs in its container holds it, and fails then by itself.
  if (before.kind === 'container') killContainer(native, before)
  await inTurn(directory, () => removeLocked(context, directory, id))
  return 0
}

async function removeLocked(context: Context, directory: string, id: string): Promise<void> {
  const { native, log } = context
  let lock: number | undefined
  try {
    lock = forceLock(native, log, directory)
  } catch (error) {
    if (isGone(error)) return
    throw hostFailure(directory, error)
  }
  try {
    await removeKilled(context, directory, id)
  } finally {
    if (lock !== undefined) native.close(lock)
  }
}

async function removeKilled(context: Context, directory: string, id: string): Promise<void> {
  const record = salvageRecord(context.native, directory)
  if (record === undefined) return removeRemains(context, directory, id)
  killContainer(context.native, { directory, record })
  await removeContainer(context, { directory, record }, 'kill')
}

function killContainer(native: Native, { record }: Container): void {
  killInit(native, record)
  if (record.pid === 0) destroyCgroups(native, record, 'kill')
}

/**
 * Neither record can be read: the container is found by its cgroup. Without a link to that nothing had been launched yet, or
 * somebody took everything away.
 */
async function removeRemains(context: Context, directory: string, id: string): Promise<void> {
  const { native } = context
  const { destroyByCgroup, lostCgroup } = await import('../state/recover.ts')
  const cgroup = native.readLink(`${directory}/${CGROUP_LINK}`) ?? lostCgroup(native, directory, id)
  if (cgroup !== undefined) {
    destroyByCgroup(native, cgroup)
    warnOfHooks(context)
  }
  removeStateDirectory(native, directory)
}

/** There is no state directory. */
async function removeLost(context: Context, directory: string, id: string): Promise<void> {
  const { native } = context
  const { destroyByCgroup, lostCgroup } = await import('../state/recover.ts')
  const cgroup = lostCgroup(native, directory, id)
  // A `create` makes the directory first: one that has begun meanwhile is not meant.
  if (cgroup === undefined || native.exists(directory)) return
  destroyByCgroup(native, cgroup)
  warnOfHooks(context)
}

const warnOfHooks = ({ log }: Context): void =>
  log.warn('its records cannot be read: poststop hooks, if it has any, were not run')
