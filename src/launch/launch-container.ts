// What `create` and `run` share: bundle → plan → state directory → launch, and undoing everything if that fails. The
// order is that of the launch protocol: launch.json is written before anything is created, state.json before the
// container can live without its runtime.

import { type Context, STDOUT } from '../cli/context.ts'
import { wantsDebug } from '../cli/log.ts'
import type { Config } from '../config/config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { fullMounts } from '../host/host-mounts.ts'
import { refuseHostSysctls } from '../host/host-sysctl.ts'
import { probeCgroups } from '../host/probe-cgroups.ts'
import { probeLinks } from '../host/probe-links.ts'
import { probeResctrl } from '../host/probe-resctrl.ts'
import { probeThreaded } from '../host/probe-threaded.ts'
import type { PlanOptions } from '../plan/context.ts'
import { type HostFacts, hostFacts } from '../plan/host-facts.ts'
import { mountLabel } from '../plan/labels.ts'
import { planCreate } from '../plan/plan.ts'
import type { ContainerRecord } from '../state/record.ts'
import { checkId, claimsFile, type StateRoot, stateHint, stateRoot } from '../state/state-root.ts'
import { isSystemd, managerOf, openSystemd, type Systemd, systemdFacts } from '../state/systemd.ts'
import { withCallerSettings } from './caller-settings.ts'
import { checkConsole } from './check-console.ts'
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
import { type Launch, type Launched, type LaunchFlags, type LaunchOptions, runLaunch } from './run-launch.ts'
import { debugPlan } from './run-plan.ts'

export interface LaunchedContainer extends Launched {
  /** The config that was launched: config.json may have changed since. */
  readonly config: Config
  /** `run` with NOTIFY_SOCKET: the socket on which the container will report readiness. */
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
  log.debug(`read ${bundle.configPath}`)
  warnOf(bundle.warnings, log.warn)
  const terminal = bundle.config.process?.terminal === true
  checkConsole('process.terminal', { terminal, isServed: how.terminal === 'kept' }, flags['console-socket'])
  refuseHostSysctls(native, bundle.config)
  const directory = `${root.path}/${id}`
  const rootfs = rootfsOf(native, bundle)
  const { config, preserveFds, manager } = withCallerSettings(context, bundle.config, directory, {
    terminal: how.terminal,
    preserveFds: flags['preserve-fds'],
  })
  const facts = hostFacts(native.probe())
  log.debug('probed the host')
  const systemd = isSystemd(globals) ? openSystemd(native, managerOf(native)) : undefined
  try {
    const target = { id, directory, rootfs, preserveFds, facts, systemd }
    const planned = planCreate(config, facts, planOptions(context, { ...bundle, config }, target, flags, how))
    for (const warning of planned.warnings) log.warn(warning)
    for (const step of wantsDebug(globals) ? planned.plan.containerSteps : []) {
      // Without SECCOMP_FILTER_FLAG_TSYNC: init has a single thread.
      if (step.op === 'seccomp') log.debug(`seccomp filter flags: ${Number(step.flags) & ~1}`)
    }
    debugPlan(context, id, planned.plan)
    const record: ContainerRecord = {
      ...newRecord(context, id, bundle, rootfs, planned, ownerName(native, facts.euid)),
      ...(flags['no-new-keyring'] && { keyring: 'keep' }),
      ...(manager !== undefined && { notify: true }),
    }
    const launch = { directory, record, planned, flags, how, systemd }
    const notify = manager === undefined ? undefined : { manager, label: mountLabel({ linux: config.linux, facts }) }
    return launchRecorded(context, root, { ...bundle, config }, notify, launch)
  } finally {
    if (systemd !== undefined) native.close(systemd.socket)
  }
}

interface Target {
  readonly id: string
  /** The state directory. */
  readonly directory: string
  readonly rootfs: string
  readonly preserveFds: readonly number[]
  readonly facts: HostFacts
  readonly systemd: Systemd | undefined
}

/** What the plan depends on beside the config and the facts of the host. */
function planOptions(
  { native, globals }: Context,
  { config, path }: LoadedBundle,
  { id, directory, rootfs, preserveFds, facts, systemd }: Target,
  flags: LaunchFlags,
  how: LaunchOptions,
): PlanOptions {
  return {
    id,
    bundle: path,
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
    sourceLinks: probeLinks(native, config, path),
    access: systemd === undefined ? probeCgroups(native, facts, id, config, globals.rootless) : undefined,
    rootless: globals.rootless,
    withoutCgroups: globals['cgroup-manager'] === 'disabled',
    threaded: systemd === undefined ? probeThreaded(native, facts.cgroups, config) : undefined,
  }
}

interface NotifyPlan {
  /** See withCallerSettings. */
  readonly manager: string
  readonly label: string | undefined
}

function launchRecorded(
  context: Context,
  root: StateRoot,
  { config, configText }: LoadedBundle,
  notified: NotifyPlan | undefined,
  launch: Launch,
): LaunchedContainer {
  const { native } = context
  const { directory, record, planned, how } = launch
  const lock = makeStateDirectory(context, root, directory)
  requireFreeCgroups(native, config, planned, directory)
  try {
    saveBeforeLaunch(native, directory, record, configText)
    if (notified !== undefined) makeNotifyDirectory(context, directory, notified.label)
    const notify =
      notified !== undefined && how.mode === 'run' ? bindNotifySocket(native, directory, notified.manager) : undefined
    return { ...runLaunch(context, launch, config), config, notify }
  } catch (error) {
    undo(context, launch, error)
    throw hostFailure(directory, error, stateHint(native, directory, errnoOf(error)))
  } finally {
    native.close(lock)
  }
}
