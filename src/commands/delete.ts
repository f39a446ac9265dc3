// delete (runtime.md, "delete"): removes a stopped container, or a created one, whose init it kills, as runc does. With
// --force in every state, also if the record is broken.

import { type Context, type Run, STDOUT } from '../cli/context.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { removalLines } from '../launch/describe-removal.ts'
import { removeContainer } from '../launch/remove-container.ts'
import type { Native } from '../native.ts'
import { destroyCgroups, killInit } from '../state/destroy-container.ts'
import { forceLock } from '../state/force-lock.ts'
import {
  type Container,
  findContainer,
  loadContainer,
  noSuchContainer,
  salvageRecord,
} from '../state/load-container.ts'
import { isGone, withLock } from '../state/lock.ts'
import { withOwnCgroups } from '../state/own-cgroups.ts'
import { CGROUP_LINK, cgroupDirectories } from '../state/record.ts'
import { destroyByCgroup, lostCgroup } from '../state/recover.ts'
import { removeStateDirectory } from '../state/remove-state-directory.ts'
import { checkId, stateRoot } from '../state/state-root.ts'
import { containerStatus, type Status } from '../state/status.ts'

export const deleteContainer: Run<'delete'> = (context, { force, plan }, [id = '']) => {
  const { native } = context
  const root = stateRoot(native, context.globals.root).path
  checkId(id)
  if (plan) return printRemoval(native, root, id, force)
  if (force) return forceDelete(context, root, id)
  const done = withLock(native, `${root}/${id}`, () => deleteEnded(context, root, id))
  if (done === undefined) throw noSuchContainer(root)
  return done
}

/** Only of a container with a record; without --force, only of one that may be deleted. */
function printRemoval(native: Native, root: string, id: string, force: boolean): number {
  const container = loadContainer(native, root, id)
  const status = containerStatus(native, container.directory, container.record)
  if (!force) checkDeletable(native, container, status)
  const lines = removalLines(container.directory, container.record, status)
  native.write(STDOUT, lines.map((line) => `${line}\n`).join(''))
  return 0
}

function checkDeletable(native: Native, container: Container, status: Status): void {
  if (status === 'running' || status === 'paused' || (status === 'creating' && isInhabited(native, container))) {
    const { id } = container.record
    throw new RuntError('state', `cannot delete container ${id} that is not stopped: ${status}`)
  }
}

function deleteEnded(context: Context, root: string, id: string): number {
  const { native } = context
  const container = loadContainer(native, root, id)
  const status = containerStatus(native, container.directory, container.record)
  checkDeletable(native, container, status)
  if (status === 'created') killInit(native, container.record)
  removeContainer(context, container, 'spare')
  return 0
}

/**
 * Whether a container whose creation was interrupted, or whose state.json is lost, has processes: only its cgroups
 * tell.
 */
function isInhabited(native: Native, { record }: Container): boolean {
  return cgroupDirectories(record).some((directory) => native.signalCgroup(directory, 0) > 0)
}

function forceDelete(context: Context, root: string, id: string): number {
  const { native } = context
  const directory = `${root}/${id}`
  const found = findContainer(native, root, id)
  if (found.kind === 'none') {
    removeLost(context, directory, id)
    return 0
  }
  if (found.kind === 'broken') {
    removeLocked(context, directory, id, 'own')
    return 0
  }
  const before = withOwnCgroups(native, found)
  // Kill before waiting for the lock: a `create` that hangs in its container holds it, and fails then.
  killContainer(native, before)
  removeLocked(context, directory, id, before === found ? 'own' : 'lost')
  return 0
}

/** `lost`: another container uses the cgroups, so they are not removed. */
type Cgroups = 'own' | 'lost'

function removeLocked(context: Context, directory: string, id: string, cgroups: Cgroups): void {
  const { native, log } = context
  let lock: number | undefined
  try {
    lock = forceLock(native, log, directory)
  } catch (error) {
    if (isGone(error)) return
    throw hostFailure(directory, error)
  }
  try {
    removeKilled(context, directory, id, cgroups)
  } finally {
    if (lock !== undefined) native.close(lock)
  }
}

function removeKilled(context: Context, directory: string, id: string, cgroups: Cgroups): void {
  const salvaged = salvageRecord(context.native, directory)
  if (salvaged === undefined) {
    removeRemains(context, directory, id)
    return
  }
  const record = cgroups === 'lost' ? { ...salvaged, cgroups: {} } : salvaged
  killContainer(context.native, { directory, record })
  removeContainer(context, { directory, record }, 'kill')
}

function killContainer(native: Native, { record }: Container): void {
  killInit(native, record)
  if (record.pid === 0) destroyCgroups(native, record, 'kill')
}

/**
 * Neither record can be read: the container is found by its cgroup. If there is no link to the cgroup, nothing had been launched yet, or
 * everything was removed.
 */
function removeRemains(context: Context, directory: string, id: string): void {
  const { native } = context
  const cgroup = native.readLink(`${directory}/${CGROUP_LINK}`) ?? lostCgroup(native, directory, id)
  if (cgroup !== undefined) {
    destroyByCgroup(native, cgroup)
    warnOfHooks(context)
  }
  removeStateDirectory(native, directory)
}

/** Removes a container without a state directory. */
function removeLost(context: Context, directory: string, id: string): void {
  const { native } = context
  const cgroup = lostCgroup(native, directory, id)
  // `create` makes the directory first: a new container of this id must not be removed.
  if (cgroup === undefined || native.exists(directory)) return
  destroyByCgroup(native, cgroup)
  warnOfHooks(context)
}

const warnOfHooks = ({ log }: Context): void =>
  log.warn('its records cannot be read: poststop hooks, if it has any, were not run')
