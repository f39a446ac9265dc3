// restore (runc-restore(8)): CRIU restores a container from the images of `checkpoint`, in new cgroups and with a new
// record. As in `create`, launch.json is written before anything is created and state.json before the container can
// live without the runtime.

import type { CgroupHost } from '../cgroup/hierarchies.ts'
import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { FlagsOf } from '../cli/command-table.ts'
import type { Context, Run } from '../cli/context.ts'
import { openDirectories, runCriuRequest, searchPath } from '../criu/criu-request.ts'
import { externalMounts, externalNamespaces } from '../criu/external.ts'
import { stageMounts } from '../criu/find-mounts.ts'
import { accessHint, imageGroup } from '../criu/image-access.ts'
import { FIRST_NAMESPACE_FD, planRestore } from '../criu/plan-criu.ts'
import { handleNotification, identity } from '../criu/restore-notifications.ts'
import { restoreOptions } from '../criu/restore-options.ts'
import { loadStreams } from '../criu/streams-file.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { probeLinks } from '../host/probe-links.ts'
import { probeThreaded } from '../host/probe-threaded.ts'
import { checkConsole } from '../launch/check-console.ts'
import { type LoadedBundle, loadBundle, rootfsOf, warnOf } from '../launch/load-bundle.ts'
import {
  makeStateDirectory,
  newRecord,
  ownerName,
  requireFreeCgroups,
  saveBeforeLaunch,
  undo,
} from '../launch/new-container.ts'
import { limitUnit, startUnit } from '../launch/run-launch.ts'
import { superviseContainer } from '../launch/supervise-container.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { type CreatePlan, planCgroups } from '../plan/plan.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, claimsFile, stateRoot } from '../state/state-root.ts'
import { isSystemd, managerOf, openSystemd, type Systemd, systemdFacts } from '../state/systemd.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { createSlots } from '../steps/slots.ts'
import { DEFAULT_IMAGES } from './checkpoint.ts'

type Flags = FlagsOf<'restore'>

interface Restored {
  readonly directory: string
  readonly record: ContainerRecord
  /** The master of a terminal that this process serves, or -1. */
  readonly terminal: number
}

export const restore: Run<'restore'> = (context, flags, [id = '']) => {
  const { native, globals, log } = context
  checkId(id)
  const bundle = loadBundle(native, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  const terminal = bundle.config.process?.terminal === true
  checkConsole('process.terminal', { terminal, isServed: !flags.detach }, flags['console-socket'])
  if (!flags.detach && !flags['no-subreaper']) native.becomeSubreaper()
  const systemd = isSystemd(globals) ? openSystemd(native, managerOf(native)) : undefined
  let restored: Restored
  try {
    restored = restoreContainer(context, id, bundle, flags, systemd)
  } finally {
    if (systemd !== undefined) native.close(systemd.socket)
  }
  if (flags.detach) return 0
  return superviseContainer(context, 'restore', restored, 'remove', () =>
    native.supervise(restored.record.pid, restored.terminal, -1),
  )
}

/** Decides everything before anything is created. */
function planContainer(
  { native, globals }: Context,
  id: string,
  bundle: LoadedBundle,
  flags: Flags,
  systemd: Systemd | undefined,
) {
  const { config, path } = bundle
  const rootfs = rootfsOf(native, bundle)
  const facts = hostFacts(native.probe())
  const slots = createSlots()
  const made = {
    id,
    stateDirectory: `${stateRoot(native, globals.root).path}/${id}`,
    claims: claimsFile(native),
    systemd: systemd && systemdFacts(native, systemd),
    rootless: globals.rootless,
    withoutCgroups: globals['cgroup-manager'] === 'disabled',
    threaded: systemd === undefined ? probeThreaded(native, facts.cgroups, config) : undefined,
  }
  const { cgroup } = planCgroups(config, facts, made, slots)
  const sources = { bundle: path, host: facts.cgroups, cgroups: cgroup.paths }
  // The container's root can search the state root, but not the state directories in it.
  const staging = stateRoot(native, globals.root).path
  const { mounts, names } = stageMounts(native, externalMounts(config, sources), staging)
  const namespaces = externalNamespaces(config).map((namespace) => namespace.path)
  const root = { rootfs, bundle: path, links: probeLinks(native, config, path) }
  const plan = planRestore(
    { path: searchPath(native) },
    config,
    { ...root, mounts, staging, cgroup, namespaces },
    slots,
  )
  const images = flags['image-path'] || DEFAULT_IMAGES
  const streams = loadStreams(native, images)
  const cgroups = belowRoot(facts.cgroups, cgroup)
  const target = { rootfs, mounts: names, cgroups, streams, firstNamespace: FIRST_NAMESPACE_FD }
  const rdt = { tasks: [], directories: [], prepare: [], assign: [] }
  return {
    rootfs,
    planned: { cgroup, plan, rdt, warnings: [] },
    options: restoreOptions(config, target, flags),
    hint: accessHint(images, native.status(native.realpath(images)), imageGroup(config)),
    images,
    work: flags['work-path'] || images,
    owner: ownerName(native, facts.euid),
  }
}

function restoreContainer(
  context: Context,
  id: string,
  bundle: LoadedBundle,
  flags: Flags,
  systemd: Systemd | undefined,
): Restored {
  const { native, globals } = context
  const root = stateRoot(native, globals.root)
  const directory = `${root.path}/${id}`
  const { rootfs, planned, options, hint, images, work, owner } = planContainer(context, id, bundle, flags, systemd)
  const lock = makeStateDirectory(context, root, directory)
  requireFreeCgroups(native, bundle.config, planned, directory)
  const record = newRecord(context, id, bundle, rootfs, planned, owner)
  const progress = new Map<'pid' | 'terminal', number>()
  try {
    saveBeforeLaunch(native, directory, record, bundle.configText)
    runCriuRequest(native, {
      action: 'restore',
      options: (pid) => ({ ...options, ...openDirectories(native, { images, work }, `/proc/${pid}/root`) }),
      plan: planned.plan,
      startUnit: (pid) => startUnit(native, planned.cgroup, systemd, pid),
      log: `${work}/restore.log`,
      notified: (notification) =>
        handleNotification(native, { bundle, record, directory, flags, progress }, notification),
    })
    limitLate(native, planned, systemd)
    const restored = { ...record, ...identity(native, bundle.config, progress.get('pid')) }
    return { directory, record: restored, terminal: progress.get('terminal') ?? -1 }
  } catch (error) {
    undo(context, { directory, record: { ...record, ...childOf(native, progress.get('pid')) }, systemd }, error)
    throw hinted(hostFailure(directory, error), hint)
  } finally {
    native.close(lock)
  }
}

/** The restored process runs without CRIU. It is our child and not reaped yet, so its pid has not been reused. */
function childOf(native: Native, pid = 0): Pick<ContainerRecord, 'pid' | 'startTime'> | undefined {
  const status = pid === 0 ? undefined : native.processStatus(pid)
  return status && { pid, startTime: status.startTime }
}

const hinted = (failure: unknown, hint: string | undefined): unknown =>
  hint !== undefined && failure instanceof RuntError
    ? new RuntError('host', `${failure.message}; ${hint}`, { cause: failure })
    : failure

/** Sets limits that must not apply while CRIU forks in the cgroups. */
function limitLate(
  native: Native,
  { cgroup, plan }: Pick<CreatePlan, 'cgroup' | 'plan'>,
  systemd: Systemd | undefined,
): void {
  limitUnit(native, cgroup, systemd)
  if (cgroup.late === undefined) return
  const late: LaunchPlan = { slots: plan.slots, runtimeSteps: cgroup.late, containerSteps: [] }
  const event = native.launch(late)
  if (event.kind === 'failed') throw describeFailure(late, event)
}

/** The cgroups in the format of /proc/PID/cgroup. */
function belowRoot({ hierarchies }: CgroupHost, { paths }: CgroupPlan): { readonly [controller: string]: string } {
  return Object.fromEntries(
    Object.entries(paths).map(([controller, directory]) => {
      const home = hierarchies.find(({ mountpoint }) => directory.startsWith(`${mountpoint}/`))
      const root = home === undefined || home.root === '/' ? '' : home.root
      return [controller, root + directory.slice(home?.mountpoint.length ?? 0)]
    }),
  )
}
