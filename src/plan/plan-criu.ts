// The plans of `checkpoint` and `restore` (runc-checkpoint(8), runc-restore(8)): init becomes `criu swrk`, which serves one request
// over a socket (criu.org, "RPC"). To restore it first joins the new container's cgroups, so that what it restores is born there.
// CRIU wants the root file system to be a mount: it is one in a mount namespace of CRIU's own, which ends with it. The only place
// that decides this order. What CRIU is asked for is in src/criu/.

import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { Config } from '../config/config.ts'
import {
  AT_RECURSIVE,
  CLONE_NEWNS,
  MS_SLAVE,
  O_CLOEXEC,
  O_PATH,
  O_RDONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from './constants.ts'
import { type LaunchPlan, ON_MISSING_LIKE, ON_MISSING_MKDIR, type Step } from './launch-plan.ts'
import { inheritedSlots } from './process-steps.ts'
import { endSection, type Slots, temporary } from './slots.ts'
import { deviceFilterSteps, unitExchange } from './steps.ts'

/** CRIU's end of the socket; the descriptors of external namespaces follow. */
const SERVICE_FD = 3
export const FIRST_NAMESPACE_FD = SERVICE_FD + 1

export interface CriuProgram {
  /** PATH of the caller: where criu is looked for, and what it finds its own programs by. */
  readonly path: string
}

export interface RestoredRoot {
  readonly rootfs: string
  readonly cgroup: CgroupPlan
  readonly binds: readonly { readonly destination: string; readonly source: string }[]
  /** Paths of namespaces that were not saved. */
  readonly namespaces: readonly string[]
}

/** A directory of images and the group that it is to belong to. */
export interface OwnedImages {
  readonly images: string
  readonly group: number
}

/** Init becomes CRIU where it is. */
export function planDump(program: CriuProgram, owned: OwnedImages | undefined, slots: Slots): LaunchPlan {
  const service = socket(slots)
  const before = [...(owned === undefined ? [] : groupSteps(owned)), service.pair]
  const container = [...handOver(service.theirs, []), ...becomeCriu(program, 0)]
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
 * Init becomes CRIU in the cgroups of `restored` and in a mount namespace, where the root file system is a mount. CRIU mounts in its
 * working directory, so the descriptors of directories that it gets have to come from there: /proc/PID/root.
 */
export function planRestore(program: CriuProgram, config: Config, restored: RestoredRoot, slots: Slots): LaunchPlan {
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
    // What the host unmounts must not be held.
    { op: 'mount_setattr', from: 'restore', path: '/', flags: AT_RECURSIVE, propagation: MS_SLAVE },
    ...rootSteps(config, restored, slots),
    ...handOver(
      service.theirs,
      namespaces.map(({ slot }) => slot),
    ),
    ...becomeCriu(program, namespaces.length),
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

/** What the runtime does before and after it clones init, and how it clones. */
interface Birth {
  readonly before: readonly Step[]
  readonly after: readonly Step[]
  readonly flags: number
  readonly cgroup?: number | undefined
}

function ordered(
  slots: Slots,
  { ours }: Service,
  { before, after, flags, cgroup }: Birth,
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

/** The root file system mounted over itself, and mount points in it for what CRIU will mount. */
function rootSteps(config: Config, { rootfs, binds }: RestoredRoot, slots: Slots): Step[] {
  const from = `root.path (${rootfs})`
  const root = slots.allocate('root')
  const clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE
  return [
    { op: 'open_tree', from, path: rootfs, resolve: RESOLVE_NO_MAGICLINKS, flags: clone, into: root },
    { op: 'move_mount', from, mount: root, path: rootfs },
    ...mountPointSteps(config, root, binds),
  ]
}

/**
 * CRIU makes no mount points. What is below another mount comes with that: a tmpfs is restored with its directories, a bind
 * mount has had them since the container was created.
 */
function mountPointSteps(config: Config, root: number, binds: RestoredRoot['binds']): Step[] {
  const all = config.mounts.map(({ destination }) => destination)
  const isNested = (path: string) => all.some((other) => path !== other && path.startsWith(`${other}/`))
  return config.mounts.flatMap(({ destination }, index): Step[] => {
    if (isNested(destination)) return []
    const from = `mounts[${index}] (${destination})`
    const into = temporary('target')
    const target = {
      op: 'openat2',
      from,
      at: root,
      path: destination,
      flags: O_PATH | O_CLOEXEC,
      resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
      into,
    } as const
    const bind = binds.find((candidate) => candidate.destination === destination)
    if (bind === undefined) return [{ ...target, onMissing: ON_MISSING_MKDIR }, endSection(from)]
    const like = temporary('source')
    return [
      { op: 'openat2', from, path: bind.source, flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS, into: like },
      { ...target, onMissing: ON_MISSING_LIKE, like },
      endSection(from),
    ]
  })
}

const handOver = (theirs: number, namespaces: readonly number[]): Step[] =>
  [theirs, ...namespaces].map((fd, i): Step => ({ op: 'dup3', from: 'criu', fd, as: SERVICE_FD + i }))

function becomeCriu({ path }: CriuProgram, namespaces: number): Step[] {
  const candidates = path.split(':').map((directory) => `${directory || '.'}/criu`)
  return [
    { op: 'find_executable', from: 'criu', candidates, resolve: RESOLVE_NO_MAGICLINKS },
    { op: 'reset_signals', from: 'criu' },
    { op: 'close_range', from: 'criu', first: FIRST_NAMESPACE_FD + namespaces, keep: [] },
    { op: 'execve', from: 'criu', args: ['criu', 'swrk', String(SERVICE_FD)], env: [`PATH=${path}`] },
  ]
}
