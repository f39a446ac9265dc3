// Prepares a new container before its process exists: claims its id, checks that its cgroups are free, writes its
// record; and undoes all of that on failure. For `create`, `run` and `restore`, which decide what is launched.

import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { hostMounts, unmountHostMounts } from '../host/host-mounts.ts'
import type { Native } from '../native.ts'
import type { CreatePlan } from '../plan/plan.ts'
import { destroyCgroups, killInit } from '../state/destroy-container.ts'
import { fillCpusets } from '../state/fill-cpusets.ts'
import { lockDirectory } from '../state/lock.ts'
import {
  CGROUP_LINK,
  CONFIG_FILE,
  type ContainerRecord,
  encodeRecord,
  LAUNCH_FILE,
  mainCgroup,
} from '../state/record.ts'
import { removeStateDirectory } from '../state/remove-state-directory.ts'
import { makeStateRoot, type StateRoot, stateHint } from '../state/state-root.ts'
import { converse } from '../state/systemd.ts'
import { refuseUsedCgroups } from '../state/used-cgroups.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { stopUnit } from '../systemd/conversation.ts'
import type { LoadedBundle } from './load-bundle.ts'
import { leftBehind } from './remove-container.ts'
import type { Launch } from './run-launch.ts'

/** Creates the container's directory, which claims the id, and locks it. */
export function makeStateDirectory({ native }: Context, root: StateRoot, directory: string): number {
  try {
    try {
      native.mkdir(directory, 0o711)
    } catch (error) {
      // The state root is missing only at the first use.
      if (errnoOf(error) !== 'ENOENT') throw error
      makeStateRoot(native, root)
      native.mkdir(directory, 0o711)
    }
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new RuntError('state', 'container with given ID already exists')
    throw hostFailure(`state directory ${directory}`, error, stateHint(native, directory, errnoOf(error)))
  }
  try {
    return lockDirectory(native, directory)
  } catch (error) {
    if (native.exists(directory)) removeStateDirectory(native, directory)
    throw hostFailure(`state directory ${directory}`, error)
  }
}

/** Checked before the launch, and before a failure would make `undo` kill the processes in the cgroups. */
export function requireFreeCgroups(native: Native, { linux }: Config, { cgroup }: CreatePlan, directory: string): void {
  try {
    refuseUsedCgroups(native, cgroup)
    if (linux.cgroupsPath !== undefined && cgroup.paths.cpuset !== undefined) fillCpusets(native, cgroup.paths.cpuset)
  } catch (error) {
    removeStateDirectory(native, directory)
    throw error
  }
}

/** Writes what `delete --force` needs if the runtime is killed, and what later commands must see unchanged. */
export function saveBeforeLaunch(native: Native, directory: string, record: ContainerRecord, configText: string): void {
  const cgroup = mainCgroup(record)
  if (cgroup !== undefined) native.symlink(cgroup, `${directory}/${CGROUP_LINK}`)
  native.writeFile(`${directory}/${LAUNCH_FILE}`, encodeRecord(record), 0o600)
  native.writeFile(`${directory}/${CONFIG_FILE}`, configText, 0o600)
}

/** The record while there is no process. */
export function newRecord(
  { native, globals }: Context,
  id: string,
  bundle: LoadedBundle,
  rootfs: string,
  { cgroup, plan, rdt }: CreatePlan,
  owner: string,
): ContainerRecord {
  const { ociVersion, annotations, hooks, linux } = bundle.config
  const mounts = hostMounts(native, bundle.config, rootfs)
  return {
    ociVersion,
    id,
    pid: 0,
    startTime: '',
    bundle: bundle.path,
    rootfs,
    created: native.now(),
    owner,
    annotations,
    cgroups: cgroup.paths,
    ...(cgroup.unit && { unit: { name: cgroup.unit.name, kind: cgroup.unit.kind } }),
    ...(rdt.tasks.length > 0 && { rdt: { tasks: rdt.tasks, directories: rdt.directories } }),
    ...(mounts && { hostMounts: mounts }),
    ...(globals.rootless !== 'auto' && { rootless: globals.rootless }),
    pidNamespace: linux.namespaces.some(({ type, path }) => type === 'pid' && path === undefined) ? 'own' : 'shared',
    hooks: { poststart: hooks.poststart, poststop: hooks.poststop },
    startSteps: stepsOfStart(plan),
    ...(plan.denied && { denied: plan.denied }),
  }
}

/** The steps left for init after it has waited for `start`. */
function stepsOfStart({ containerSteps }: LaunchPlan): ContainerRecord['startSteps'] {
  const first = containerSteps.findIndex(({ op }) => op === 'start_wait') + 1
  return { first, steps: first === 0 ? [] : containerSteps.slice(first).map(({ op, from }) => ({ op, from })) }
}

/** For `list` and `state`: the user's name, or `#` and the uid. */
export function ownerName(native: Native, uid: number): string {
  if (uid === 0) return 'root'
  try {
    const line = native
      .readFile('/etc/passwd')
      .split('\n')
      .find((entry) => entry.split(':')[2] === String(uid))
    return line?.split(':')[0] ?? `#${uid}`
  } catch {
    return `#${uid}`
  }
}

/**
 * Cleans up after a failure. Init is already dead, unless it was restored and recorded; cgroups, systemd's unit, mounts and the
 * state directory are left.
 */
export function undo(
  context: Context,
  { directory, record, systemd }: Pick<Launch, 'directory' | 'record' | 'systemd'>,
  error: unknown,
): void {
  const { native, log } = context
  try {
    killInit(native, record)
    const { unit } = record
    // Processes that others moved into the cgroup meanwhile must not be killed. systemd itself created a unit's cgroup,
    // for our process.
    const foreign = error instanceof RuntError && error.foreignCgroups
    if (!foreign) destroyCgroups(native, record, unit === undefined ? 'yield' : 'kill')
    // Not if systemd itself failed: we would wait for it again.
    if (unit !== undefined && systemd?.answers) {
      converse(native, systemd, (session) => stopUnit(session, unit.name), `stop ${unit.name}`)
    }
    unmountHostMounts(context, record)
    removeStateDirectory(native, directory)
  } catch (error) {
    const left = leftBehind(directory, error)
    log.warn(`cleaning up after a failure: ${left instanceof Error ? left.message : String(left)}`)
  }
}
