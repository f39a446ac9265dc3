// What `create` and `run` have in common: bundle → plan → state directory → launch, and nothing left behind when that fails.
// The order is that of the launch protocol: launch.json is there before anything is made, state.json before the container
// can live without its runtime.

import type { Config } from '../config/config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { LaunchEvent, Native } from '../native.ts'
import { describeFailure, describeWarning } from '../plan/describe.ts'
import { hostFacts } from '../plan/host-facts.ts'
import type { LaunchPlan } from '../plan/launch-plan.ts'
import { type CreatePlan, planCreate } from '../plan/plan.ts'
import { destroyCgroups } from '../state/destroy-container.ts'
import {
  CGROUP_LINK,
  CONFIG_FILE,
  type ContainerRecord,
  encodeRecord,
  LAUNCH_FILE,
  mainCgroup,
  STATE_FILE,
} from '../state/record.ts'
import { checkId, makeStateRoot, type StateRoot, stateRoot } from '../state/state-root.ts'
import { refuseUsedCgroups } from '../state/used-cgroups.ts'
import type { Context } from './context.ts'
import { type LoadedBundle, loadBundle, rootfsOf, warnOf } from './load-bundle.ts'
import { probeResctrl } from './probe-resctrl.ts'
import { publishProcess } from './publish-process.ts'

export interface LaunchFlags {
  readonly bundle: string | undefined
  readonly 'console-socket': string | undefined
  readonly 'pidfd-socket': string | undefined
  readonly 'pid-file': string | undefined
  readonly 'no-pivot': boolean
  readonly 'no-new-keyring': boolean
  readonly 'preserve-fds': number
}

export interface LaunchOptions {
  readonly mode: 'create' | 'run'
  /** `kept`: the terminal is ours to serve. */
  readonly terminal: 'kept' | 'sent'
  /** `hold`: the container's signals will come through us, so none may end us before. */
  readonly signals: 'hold' | 'leave'
  /** `asked`: --seccomp-log, calls the profile denies are ours to answer. */
  readonly seccomp: 'loaded' | 'asked'
}

export interface LaunchedContainer {
  readonly directory: string
  readonly record: ContainerRecord
  /** The master of a terminal that is kept, or -1. */
  readonly terminal: number
  /** Where the calls wait that --seccomp-log reports, or -1. */
  readonly listener: number
}

export function launchContainer(
  context: Context,
  id: string,
  flags: LaunchFlags,
  how: LaunchOptions,
): LaunchedContainer {
  const { native, log, globals } = context
  checkId(id)
  if (globals['systemd-cgroup']) throw new RuntError('usage', '--systemd-cgroup: the systemd driver is not there yet')
  const root = stateRoot(native, globals.root)
  const bundle = loadBundle(native, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  checkConsole(bundle.config, flags, how)
  const directory = `${root.path}/${id}`
  const rootfs = rootfsOf(native, bundle)
  const listenFds = countListenFds(native)
  const preserveFds = flags['preserve-fds'] + listenFds
  const config = withSurroundings(native, bundle.config, how, listenFds)
  const facts = hostFacts(native.probe())
  const planned = planCreate(config, facts, {
    id,
    bundle: bundle.path,
    stateDirectory: directory,
    mode: how.mode,
    rootSwitch: flags['no-pivot'] ? 'chroot' : 'pivot_root',
    keyring: flags['no-new-keyring'] ? 'keep' : 'new',
    preserveFds,
    consoleSocket: flags['console-socket'],
    seccompLog: how.seccomp === 'asked',
    resctrl: probeResctrl(native, config, id),
  })
  for (const warning of planned.warnings) log.warn(warning)
  log.debug(`launching ${id}: ${planned.plan.runtimeSteps.length} + ${planned.plan.containerSteps.length} steps`)

  const lock = makeStateDirectory(context, root, directory)
  requireFreeCgroups(native, planned, directory)
  const record: ContainerRecord = {
    ...newRecord(context, id, bundle, rootfs, planned, ownerName(native, facts.euid)),
    ...(flags['no-new-keyring'] && { keyring: 'keep' }),
  }
  try {
    const cgroup = mainCgroup(record)
    if (cgroup !== undefined) native.symlink(cgroup, `${directory}/${CGROUP_LINK}`)
    native.writeFile(`${directory}/${LAUNCH_FILE}`, encodeRecord(record), 0o600)
    native.writeFile(`${directory}/${CONFIG_FILE}`, bundle.configText, 0o600)
    return launch(context, directory, record, planned.plan, flags, preserveFds, how)
  } catch (error) {
    undo(context, directory, record)
    throw hostFailure(directory, error)
  } finally {
    native.close(lock)
  }
}

/** runc's rule: who goes away cannot serve a terminal, and a socket for one makes no sense without it. */
function checkConsole(config: Config, flags: LaunchFlags, { terminal }: LaunchOptions): void {
  const socket = flags['console-socket']
  if (config.process?.terminal === true) {
    if (terminal === 'sent' && socket === undefined) {
      const message = 'process.terminal: the terminal needs --console-socket, for nobody stays here to serve it'
      throw new RuntError('usage', message, { path: 'process.terminal' })
    }
  } else if (socket !== undefined) {
    throw new RuntError(
      'usage',
      '--console-socket: process.terminal of the config is false, there is no terminal to send',
    )
  }
}

/**
 * What the config gets from its surroundings: in the foreground a terminal of our terminal's size, and the variables that tell
 * the process of the descriptors that systemd opened for it.
 */
function withSurroundings(native: Native, config: Config, { terminal }: LaunchOptions, listenFds: number): Config {
  const { process } = config
  if (process === undefined) return config
  const size = process.terminal && terminal === 'kept' ? native.terminalSize() : undefined
  if (listenFds === 0 && (size === undefined || size.rows === 0)) return config
  return {
    ...config,
    process: {
      ...process,
      ...(size && size.rows > 0 && { consoleSize: { height: BigInt(size.rows), width: BigInt(size.columns) } }),
      // sd_listen_fds(3): the process is pid 1 of its namespace.
      env: listenFds === 0 ? process.env : [...process.env, `LISTEN_FDS=${listenFds}`, 'LISTEN_PID=1'],
    },
  }
}

/** sd_listen_fds(3): descriptors from 3 up that are meant for this process. */
function countListenFds(native: Native): number {
  const count = native.env('LISTEN_FDS')
  if (count === undefined || !/^\d{1,6}$/.test(count) || native.env('LISTEN_PID') !== String(native.pid())) return 0
  return Number(count)
}

/** Makes the container's directory and locks it. Making it is what claims the id. */
function makeStateDirectory({ native }: Context, root: StateRoot, directory: string): number {
  try {
    try {
      native.mkdir(directory, 0o711)
    } catch (error) {
      // The state root is missing only the first time.
      if (errnoOf(error) !== 'ENOENT') throw error
      makeStateRoot(native, root)
      native.mkdir(directory, 0o711)
    }
    return native.lock(directory, 'wait')
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new RuntError('state', 'container with given ID already exists')
    throw hostFailure(`state directory ${directory}`, error)
  }
}

/** Before anything is launched, and before a failure would make `undo` kill what is in them. */
function requireFreeCgroups(native: Native, { cgroup }: CreatePlan, directory: string): void {
  try {
    refuseUsedCgroups(native, cgroup)
  } catch (error) {
    native.removeDirectory(directory, CGROUP_LINK)
    throw error
  }
}

function newRecord(
  { native }: Context,
  id: string,
  bundle: LoadedBundle,
  rootfs: string,
  { cgroup, plan, rdt }: CreatePlan,
  owner: string,
): ContainerRecord {
  const { ociVersion, annotations, hooks, linux } = bundle.config
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
    ...(rdt.tasks.length > 0 && { rdt: { tasks: rdt.tasks, directories: rdt.directories } }),
    pidNamespace: linux.namespaces.some(({ type, path }) => type === 'pid' && path === undefined) ? 'own' : 'shared',
    hooks: { poststart: hooks.poststart, poststop: hooks.poststop },
    startSteps: stepsOfStart(plan),
  }
}

/** What is left for init when it has waited for `start`. */
function stepsOfStart({ containerSteps }: LaunchPlan): ContainerRecord['startSteps'] {
  const first = containerSteps.findIndex(({ op }) => op === 'start_wait') + 1
  return { first, steps: first === 0 ? [] : containerSteps.slice(first).map(({ op, from }) => ({ op, from })) }
}

function ownerName(native: Native, uid: number): string {
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

function launch(
  context: Context,
  directory: string,
  record: ContainerRecord,
  plan: LaunchPlan,
  flags: LaunchFlags,
  preserveFds: number,
  { signals }: LaunchOptions,
): LaunchedContainer {
  const { native, log } = context
  let launched = record
  let event: LaunchEvent = native.launch(plan, { preserveFds })
  if (event.kind === 'paused') {
    launched = { ...record, pid: event.pid, startTime: startTimeOf(native, event.pid) }
    try {
      publish(native, directory, launched, flags)
    } catch (error) {
      native.abandon()
      throw error
    }
    if (signals === 'hold') native.holdSignals()
    event = native.resume()
  }
  if (event.kind === 'failed') throw describeFailure(plan, event)
  if (event.kind === 'paused') throw new RuntError('internal', 'the plan has two save_state steps')
  for (const warning of event.warnings) log.warn(describeWarning(plan, warning))
  return { directory, record: launched, terminal: event.terminal, listener: event.listener }
}

function startTimeOf(native: Native, pid: number): string {
  const status = native.processStatus(pid)
  if (status === undefined) throw new RuntError('kernel', `init (pid ${pid}) has ended before it was ready`)
  return status.startTime
}

/** What others learn of the container, before it can run without us. */
function publish(native: Native, directory: string, record: ContainerRecord, flags: LaunchFlags): void {
  native.writeFileAtomic(`${directory}/${STATE_FILE}`, encodeRecord(record), 0o600)
  publishProcess(native, record.pid, flags)
}

/** After a failure: init is dead already, what is left are cgroups and the state. */
function undo({ native, log }: Context, directory: string, record: ContainerRecord): void {
  try {
    destroyCgroups(native, record)
    native.removeDirectory(directory, CGROUP_LINK)
  } catch (error) {
    log.warn(`cleaning up after a failure: ${error instanceof Error ? error.message : String(error)}`)
  }
}
