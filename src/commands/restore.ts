// restore (runc-restore(8)): CRIU makes a container again from the images of `checkpoint`, in new cgroups and under a new record.
// As with `create`, launch.json is there before anything is made and state.json before the container can live without us.

import type { CgroupHost } from '../cgroup/hierarchies.ts'
import type { CgroupPlan } from '../cgroup/plan-cgroup.ts'
import type { FlagsOf } from '../cli/command-table.ts'
import { externalMounts, externalNamespaces } from '../criu/external.ts'
import { accessHint, imageGroup } from '../criu/image-access.ts'
import { restoreOptions } from '../criu/restore-options.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCgroups } from '../plan/plan.ts'
import { FIRST_NAMESPACE_FD, planRestore } from '../plan/plan-criu.ts'
import { createSlots } from '../plan/slots.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, claimsFile, stateRoot } from '../state/state-root.ts'
import { managerOf, openSystemd, type Systemd, systemdFacts } from '../state/systemd.ts'
import { askCriu, openDirectories, searchPath } from './ask-criu.ts'
import { DEFAULT_IMAGES } from './checkpoint.ts'
import type { Context, Run } from './context.ts'
import { follow, identity } from './follow-restore.ts'
import { type LoadedBundle, loadBundle, rootfsOf, warnOf } from './load-bundle.ts'
import {
  makeStateDirectory,
  newRecord,
  ownerName,
  requireFreeCgroups,
  saveBeforeLaunch,
  undo,
} from './new-container.ts'
import { probeThreaded } from './probe-threaded.ts'
import { startUnit } from './run-launch.ts'
import { loadStreams } from './streams-file.ts'
import { superviseContainer } from './supervise-container.ts'

type Flags = FlagsOf<'restore'>

interface Restored {
  readonly directory: string
  readonly record: ContainerRecord
  /** The master of a terminal that is ours to serve, or -1. */
  readonly terminal: number
}

export const restore: Run<'restore'> = async (context, flags, [id = '']) => {
  const { native, globals, log } = context
  checkId(id)
  const bundle = loadBundle(native, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  checkTerminal(bundle, flags)
  if (!flags.detach && !flags['no-subreaper']) native.becomeSubreaper()
  const systemd = globals['systemd-cgroup'] ? openSystemd(native, managerOf(native)) : undefined
  let restored: Restored
  try {
    restored = restoreContainer(context, id, bundle, flags, systemd)
  } finally {
    if (systemd !== undefined) native.close(systemd.socket)
  }
  if (flags.detach) return 0
  return superviseContainer(context, restored, 'remove', () =>
    native.supervise(restored.record.pid, restored.terminal, -1),
  )
}

function checkTerminal({ config }: LoadedBundle, flags: Flags): void {
  if (config.process?.terminal && flags.detach && flags['console-socket'] === undefined)
    throw new RuntError('usage', 'process.terminal: with --detach the terminal needs --console-socket')
}

/** What is decided before anything is made. */
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
    threaded: systemd === undefined ? probeThreaded(native, facts.cgroups, config) : undefined,
  }
  const { cgroup } = planCgroups(config, facts, made, slots)
  const sources = { bundle: path, host: facts.cgroups, cgroups: cgroup.paths }
  const binds = externalMounts(config, sources)
  const namespaces = externalNamespaces(config).map((namespace) => namespace.path)
  const plan = planRestore({ path: searchPath(native) }, config, { rootfs, cgroup, binds, namespaces }, slots)
  const images = flags['image-path'] || DEFAULT_IMAGES
  const streams = loadStreams(native, images)
  const cgroups = belowRoot(facts.cgroups, cgroup)
  const target = { rootfs, sources, cgroups, streams, firstNamespace: FIRST_NAMESPACE_FD }
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
  try {
    saveBeforeLaunch(native, directory, record, bundle.configText)
    const progress = new Map<'pid' | 'terminal', number>()
    askCriu(native, {
      action: 'restore',
      options: (pid) => ({ ...options, ...openDirectories(native, { images, work }, `/proc/${pid}/root`) }),
      plan: planned.plan,
      startUnit: (pid) => startUnit(native, planned.cgroup, systemd, pid),
      log: `${work}/restore.log`,
      notified: (notification) => follow(native, { bundle, record, directory, flags, progress }, notification),
    })
    const restored = { ...record, ...identity(native, progress.get('pid')) }
    return { directory, record: restored, terminal: progress.get('terminal') ?? -1 }
  } catch (error) {
    undo(context, { directory, record, systemd }, error)
    throw hinted(hostFailure(directory, error), hint)
  } finally {
    native.close(lock)
  }
}

const hinted = (failure: unknown, hint: string | undefined): unknown =>
  hint !== undefined && failure instanceof RuntError
    ? new RuntError('host', `${failure.message}; ${hint}`, { cause: failure })
    : failure

/** The cgroups as /proc/PID/cgroup has them. */
function belowRoot({ hierarchies }: CgroupHost, { paths }: CgroupPlan): { readonly [controller: string]: string } {
  return Object.fromEntries(
    Object.entries(paths).map(([controller, directory]) => {
      const home = hierarchies.find(({ mountpoint }) => directory.startsWith(`${mountpoint}/`))
      const root = home === undefined || home.root === '/' ? '' : home.root
      return [controller, root + directory.slice(home?.mountpoint.length ?? 0)]
    }),
  )
}
