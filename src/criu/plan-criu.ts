// The plans of `checkpoint` and `restore` (runc-checkpoint(8), runc-restore(8)): init becomes `criu swrk`, which serves
// one request over a socket (criu.org, "RPC"). For a restore it first joins the new container's cgroups, so that
// restored processes start in them. CRIU requires the root file system to be a mount: it is one in a mount namespace of
// CRIU's own. No other file decides this order; src/criu/ builds the request.
// that decides this order. What CRIU is asked for is in src/criu/.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { Config } from '../config/config.ts'
import { inheritedSlots } from '../plan/process-steps.ts'
import { deviceFilterSteps, unitExchange } from '../plan/sync-exchanges.ts'
import {
  AT_RECURSIVE,
  CLONE_NEWNS,
  MS_SLAVE,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
  RESOLVE_NO_MAGICLINKS,
} from '../steps/constants.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { endSection, type Slots, temporary } from '../steps/slots.ts'
import { type RestoredRoot, restoredRootSteps } from './restored-root.ts'
import { type StagedMount, stagingSteps } from './staged-mounts.ts'

/** CRIU's end of the socket; descriptors of external namespaces follow. */
const SERVICE_FD = 3
export const FIRST_NAMESPACE_FD = SERVICE_FD + 1

export interface CriuProgram {
  /** PATH of the caller: to find criu, and for CRIU to find its own programs. */
  readonly path: string
}

export interface Restored extends RestoredRoot {
  readonly cgroup: CgroupPlan
  /** Mounts of the host that CRIU may use, and the directory where it finds them (staged-mounts.ts). */
  readonly mounts: readonly StagedMount[]
  readonly staging: string
  /** Paths of namespaces that were not saved. */
  readonly namespaces: readonly string[]
}

/** A directory of images and the group it is given to. */
export interface OwnedImages {
  readonly images: string
  readonly group: number
}

/** Init becomes CRIU in the host's namespaces. */
export function planDump(program: CriuProgram, owned: OwnedImages | undefined, slots: Slots): LaunchPlan {
  const service = socket(slots)
  const before = [...(owned === undefined ? [] : groupSteps(owned)), service.pair]
  const container = [...dupSteps(service.theirs, []), ...execCriu(program, 0)]
  return ordered(slots, service, { before, after: [], flags: 0 }, container)
}

function groupSteps({ images, group }: OwnedImages): Step[] {
  const from = '--image-path'
  const into = temporary('source')
  return [
    { op: 'openat2', from, path: images, flags: O_PATH | O_CLOEXEC, into },
    { op: 'fchownat', from, at: into, path: '', uid: -1, gid: group },
    endSection(from),
  ]
}

/**
 * Init becomes CRIU in the cgroups of `restored` and in a mount namespace of its own, with the root file system as a mount. CRIU mounts in
 * its working directory, so the descriptors of directories that it gets must come from that namespace: /proc/PID/root.
 */
export function planRestore(program: CriuProgram, config: Config, restored: Restored, slots: Slots): LaunchPlan {
  const { cgroup } = restored
  const service = socket(slots)
  const namespaces = restored.namespaces.map((path) => ({ path, slot: slots.allocate(`namespace ${path}`) }))
  const deviceFilter = deviceFilterSteps(cgroup)
  const unit = unitExchange(cgroup, deviceFilter)
  const before: Step[] = [
    ...cgroup.runtimeSteps,
    ...(cgroup.unit === undefined ? deviceFilter : []),
    ...namespaces.map(
      ({ path, slot }): Step => ({
        op: 'openat2',
        from: 'linux.namespaces',
        path,
        flags: O_RDONLY | O_CLOEXEC,
        into: slot,
      }),
    ),
    service.pair,
  ]
  const container: Step[] = [
    ...unit.container,
    ...cgroup.containerSteps,
    // Mounts that the host unmounts must not stay busy.
    { op: 'mount_setattr', from: 'restore', path: '/', flags: AT_RECURSIVE, propagation: MS_SLAVE },
    ...stagingSteps(restored.mounts, restored.staging, slots),
    ...restoredRootSteps(config, restored, slots),
    ...dupSteps(
      service.theirs,
      namespaces.map(({ slot }) => slot),
    ),
    ...execCriu(program, namespaces.length),
  ]
  const birth = { before, after: unit.runtime, flags: CLONE_NEWNS, cgroup: cgroup.cgroupSlot }
  return ordered(slots, service, birth, container)
}

interface Service {
  readonly ours: number
  readonly theirs: number
  readonly pair: Step
}

function socket(slots: Slots): Service {
  const [ours, theirs] = [slots.allocate('criu, our end'), slots.allocate('criu, its end')]
  return { ours, theirs, pair: { op: 'socketpair', from: 'criu', ours, theirs } }
}

/** The runtime's steps before and after it clones init, and the clone's arguments. */
interface CloneSpec {
  readonly before: readonly Step[]
  readonly after: readonly Step[]
  readonly flags: number
  readonly cgroup?: number | undefined
}

function ordered(
  slots: Slots,
  { ours }: Service,
  { before, after, flags, cgroup }: CloneSpec,
  containerSteps: readonly Step[],
): LaunchPlan {
  const inherit = inheritedSlots(before, containerSteps, cgroup)
  const clone: Step = { op: 'clone', from: 'criu', flags, cgroup, inherit }
  const runtimeSteps: Step[] = [
    ...before,
    clone,
    ...after,
    { op: 'sync_exec', from: 'criu' },
    { op: 'keep', from: 'criu', fd: ours },
  ]
  return { slots: slots.names, runtimeSteps, containerSteps }
}

const dupSteps = (theirs: number, namespaces: readonly number[]): Step[] =>
  [theirs, ...namespaces].map((fd, i): Step => ({ op: 'dup3', from: 'criu', fd, as: SERVICE_FD + i }))

function execCriu({ path }: CriuProgram, namespaces: number): Step[] {
  const candidates = path.split(':').map((directory) => `${directory || '.'}/criu`)
  return [
    { op: 'find_executable', from: 'criu', candidates, resolve: RESOLVE_NO_MAGICLINKS },
    { op: 'reset_signals', from: 'criu' },
    { op: 'close_range', from: 'criu', first: FIRST_NAMESPACE_FD + namespaces, keep: [] },
    { op: 'execve', from: 'criu', args: ['criu', 'swrk', String(SERVICE_FD)], env: [`PATH=${path}`] },
  ]
}
