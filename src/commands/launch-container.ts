// What `create` and `run` have in common: bundle → plan → state directory → launch, and nothing left behind when that fails.
// The order is that of the launch protocol: launch.json is there before anything is made, state.json before the container
// can live without its runtime.

import type { Config } from '../config/config.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { planCreate } from '../plan/plan.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, claimsFile, type StateRoot, stateRoot } from '../state/state-root.ts'
import { managerOf, openSystemd, systemdFacts } from '../state/systemd.ts'
import { type Context, STDOUT } from './context.ts'
import { fullMounts } from './host-mounts.ts'
import { refuseHostSysctls } from './host-sysctl.ts'
import { type LoadedBundle, loadBundle, rootfsOf, warnOf } from './load-bundle.ts'
import {
  makeStateDirectory,
  newRecord,
  ownerName,
  requireFreeCgroups,
  saveBeforeLaunch,
  undo,
} from './new-container.ts'
import { bindNotifySocket, makeNotifyDirectory, type NotifySocket } from './notify-socket.ts'
import { probeResctrl } from './probe-resctrl.ts'
import { probeThreaded } from './probe-threaded.ts'
import { type Launch, type Launched, type LaunchFlags, type LaunchOptions, runLaunch } from './run-launch.ts'
import { withSurroundings } from './surroundings.ts'

export interface LaunchedContainer extends Launched {
  /** What was launched: config.json may have changed since. */
  readonly config: Config
  /** `run` with NOTIFY_SOCKET: where the container will say that it is ready. */
  readonly notify: NotifySocket | undefined
}

export function launchContainer(
  context: Context,
  id: string,
  flags: LaunchFlags,
  how: LaunchOptions,
): LaunchedContainer {
  const { native, log, globals } = context
  checkId(id)
  const root = stateRoot(native, globals.root)
  const bundle = loadBundle(native, flags.bundle)
  warnOf(bundle.warnings, log.warn)
  checkConsole(bundle.config, flags, how)
  refuseHostSysctls(native, bundle.config)
  const directory = `${root.path}/${id}`
  const rootfs = rootfsOf(native, bundle)
  const { config, preserveFds, manager } = withSurroundings(context, bundle.config, directory, {
    terminal: how.terminal,
    preserveFds: flags['preserve-fds'],
  })
  const facts = hostFacts(native.probe())
  const systemd = globals['systemd-cgroup'] ? openSystemd(native, managerOf(native)) : undefined
  try {
    const planned = planCreate(config, facts, {
      id,
      bundle: bundle.path,
      stateDirectory: directory,
      claims: claimsFile(native),
      mode: how.mode,
      rootSwitch: flags['no-pivot'] ? 'chroot' : 'pivot_root',
      fullMounts: flags['no-pivot'] ? fullMounts(native, rootfs) : undefined,
      keyring: flags['no-new-keyring'] ? 'keep' : 'new',
      preserveFds,
      consoleSocket: flags['console-socket'],
      plainNewlines: config.process?.terminal === true && how.terminal === 'kept' && !native.isTerminal(STDOUT),
      seccompLog: how.seccomp === 'asked',
      systemd: systemd && systemdFacts(native, systemd),
      resctrl: probeResctrl(native, config, id),
      threaded: systemd === undefined ? probeThreaded(native, facts.cgroups, config) : undefined,
    })
    for (const warning of planned.warnings) log.warn(warning)
    for (const step of globals.debug ? planned.plan.containerSteps : []) {
      // Without SECCOMP_FILTER_FLAG_TSYNC, which init, a single thread, has no use for.
      if (step.op === 'seccomp') log.debug(`seccomp filter flags: ${Number(step.flags) & ~1}`)
    }
    log.debug(`launching ${id}: ${planned.plan.runtimeSteps.length} + ${planned.plan.containerSteps.length} steps`)
    const record: ContainerRecord = {
      ...newRecord(context, id, bundle, rootfs, planned, ownerName(native, facts.euid)),
      ...(flags['no-new-keyring'] && { keyring: 'keep' }),
      ...(manager !== undefined && { notify: true }),
    }
    const launch = { directory, record, planned, flags, preserveFds, how, systemd }
    return launchRecorded(context, root, { ...bundle, config }, manager, launch)
  } finally {
    if (systemd !== undefined) native.close(systemd.socket)
  }
}

/** `manager`: see withSurroundings. */
function launchRecorded(
  context: Context,
  root: StateRoot,
  { config, configText }: LoadedBundle,
  manager: string | undefined,
  launch: Launch,
): LaunchedContainer {
  const { native } = context
  const { directory, record, planned, how } = launch
  const lock = makeStateDirectory(context, root, directory)
  requireFreeCgroups(native, config, planned, directory)
  try {
    saveBeforeLaunch(native, directory, record, configText)
    if (manager !== undefined) makeNotifyDirectory(native, directory)
    const notify =
      manager !== undefined && how.mode === 'run' ? bindNotifySocket(native, directory, manager) : undefined
    return { ...runLaunch(context, launch), config, notify }
  } catch (error) {
    undo(context, launch, error)
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
