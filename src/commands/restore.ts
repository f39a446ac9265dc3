// restore (runc-restore(8)): CRIU makes a container again from the images of `checkpoint`, in new cgroups and under a new record.
// As with `create`, launch.json is there before anything is made and state.json before the container can live without us.

import type { CgroupHost } from '../cgroup/hierarchies.ts'
import { type CgroupPlan, planCgroup } from '../cgroup/plan-cgroup.ts'
import type { FlagsOf } from '../cli/command-table.ts'
import { externalMounts, externalNamespaces } from '../criu/external.ts'
import { restoreOptions } from '../criu/restore-options.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { planLaterHooks } from '../plan/hooks.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { FIRST_NAMESPACE_FD, planRestore } from '../plan/plan-criu.ts'
import { createSlots } from '../plan/slots.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, stateRoot } from '../state/state-root.ts'
import { askCriu, type Notification, openDirectories, searchPath } from './ask-criu.ts'
import { DEFAULT_IMAGES, STREAMS_FILE } from './checkpoint.ts'
import type { Context, Run } from './context.ts'
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
import { removeContainer } from './remove-container.ts'
import { publish, startTimeOf } from './run-launch.ts'

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
  if (globals['systemd-cgroup']) throw new RuntError('usage', '--systemd-cgroup: restore cannot make systemd units yet')
  const bundle = loadBundle(native, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  checkTerminal(bundle, flags)
  if (!flags.detach && !flags['no-subreaper']) native.becomeSubreaper()
  const restored = restoreContainer(context, id, bundle, flags)
  if (flags.detach) return 0
  const status = native.supervise(restored.record.pid, restored.terminal, -1)
  await removeContainer(context, restored, 'spare')
  return status
}

function checkTerminal({ config }: LoadedBundle, flags: Flags): void {
  if (config.process?.terminal && flags.detach && flags['console-socket'] === undefined)
    throw new RuntError('usage', 'process.terminal: with --detach the terminal needs --console-socket')
}

/** What is decided before anything is made. */
function planContainer({ native }: Context, id: string, bundle: LoadedBundle, flags: Flags) {
  const { config, path } = bundle
  const rootfs = rootfsOf(native, bundle)
  const facts = hostFacts(native.probe())
  const { cgroupsPath, resources } = config.linux
  const rootless = facts.euid !== 0 || facts.inUserNamespace
  const slots = createSlots()
  const threaded = probeThreaded(native, facts.cgroups, config)
  const cgroup = planCgroup({ id, cgroupsPath, resources, rootless, threaded }, facts.cgroups, slots)
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
    images,
    work: flags['work-path'] || images,
    owner: ownerName(native, facts.euid),
  }
}

function restoreContainer(context: Context, id: string, bundle: LoadedBundle, flags: Flags): Restored {
  const { native, globals } = context
  const root = stateRoot(native, globals.root)
  const directory = `${root.path}/${id}`
  const { rootfs, planned, options, images, work, owner } = planContainer(context, id, bundle, flags)
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
      log: `${work}/restore.log`,
      notified: (notification) => follow(native, { bundle, record, directory, flags, progress }, notification),
    })
    const restored = { ...record, ...identity(native, progress.get('pid')) }
    return { directory, record: restored, terminal: progress.get('terminal') ?? -1 }
  } catch (error) {
    undo(context, { directory, record, systemd: undefined }, error)
    throw hostFailure(directory, error)
  } finally {
    native.close(lock)
  }
}

function identity(native: Native, pid: number | undefined): Pick<ContainerRecord, 'pid' | 'startTime'> {
  if (pid === undefined) throw new RuntError('host', 'criu: restore: it has not said which process it restored')
  return { pid, startTime: startTimeOf(native, pid) }
}

interface Making {
  readonly bundle: LoadedBundle
  readonly record: ContainerRecord
  readonly directory: string
  readonly flags: Flags
  /** What CRIU has said so far. */
  readonly progress: Map<'pid' | 'terminal', number>
}

/** The moments of a restore that are ours: hooks once the namespaces are there, the terminal, and the record before it runs. */
function follow(native: Native, making: Making, { script, pid, fd }: Notification): void {
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

function loadStreams(native: Native, images: string): readonly string[] {
  const path = `${images}/${STREAMS_FILE}`
  let names: unknown
  try {
    names = JSON.parse(native.readFile(path))
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntError('host', `${path}: ${error.message}`)
    throw hostFailure(path, error, 'is it the --image-path of a checkpoint?')
  }
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw new RuntError('host', `${path}: must be a list of strings`)
  return names
}
