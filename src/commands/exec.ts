// exec (runc-exec(8); not in the spec): runs another process in a container. In the foreground its exit status is ours;
// our own failures have status 255 (main.ts).

import { parseOwnCgroups } from '../cgroup/hierarchies.ts'
import type { FlagsOf } from '../cli/command-table.ts'
import { type Context, type Run, STDOUT } from '../cli/context.ts'
import type { Config, NamespaceType, Process } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import { parseProcess } from '../config/parse-config.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { explainer } from '../hints/explain.ts'
import { commonDirectory } from '../host/probe-cgroups.ts'
import { openDescriptors, withTerminalSize } from '../launch/caller-settings.ts'
import { checkConsole } from '../launch/check-console.ts'
import { savedConfig, warnOf } from '../launch/load-bundle.ts'
import { reportPid } from '../launch/pid-file.ts'
import { refuseDenied } from '../launch/refuse-denied.ts'
import { debugPlan, runPlan } from '../launch/run-plan.ts'
import type { Native } from '../native.ts'
import { describeFailure, describeWarning, type Explain } from '../plan/describe.ts'
import { processOfFile, processOfFlags } from '../plan/exec-process.ts'
import { type HostFacts, hostFacts } from '../plan/host-facts.ts'
import { type ExecTarget, planExec } from '../plan/plan-exec.ts'
import { printPlan } from '../plan/print.ts'
import { type Container, loadContainer } from '../state/load-container.ts'
import type { ContainerRecord, UnitRecord } from '../state/record.ts'
import { SIGKILL } from '../state/signals.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import { converse, withSystemd } from '../state/systemd.ts'
import type { LaunchPlan, StepOf } from '../steps/launch-plan.ts'
import { attachProcess } from '../systemd/conversation.ts'

type Flags = FlagsOf<'exec'>

export const exec: Run<'exec'> = (context, flags, [id = '', ...args]) => {
  const { native, log, globals } = context
  const preserveFds = openDescriptors(native, flags['preserve-fds'])
  const container = loadContainer(native, stateRoot(native, globals.root).path, id)
  checkStatus(native, container, flags)
  const config = savedConfig(native, container.directory)
  const chosen = chooseProcess(context, config, flags, args)
  checkConsole('--tty', { terminal: chosen.terminal, isServed: !flags.detach }, flags['console-socket'])
  const isSized = chosen.consoleSize !== undefined || isSent(flags)
  const process = isSized ? chosen : withTerminalSize(native, chosen)
  const facts = hostFacts(native.probe())
  const { plan, warnings } = planExec(config, process, targetOf(native, container.record, config, facts), facts, {
    id,
    keyring: container.record.keyring ?? 'new',
    preserveFds,
    consoleSocket: flags['console-socket'],
    plainNewlines: process.terminal && !isSent(flags) && !native.isTerminal(STDOUT),
    subgroups: flags.cgroup,
  })
  for (const warning of warnings) log.warn(warning)
  if (flags.plan) {
    native.write(STDOUT, printPlan(plan))
    return 0
  }
  debugPlan(context, id, plan)
  const launched = { ...config, process }
  const { pid, terminal } = launch(context, plan, container.record, flags, launched)
  return flags.detach ? 0 : supervise(native, pid, terminal)
}

/** If anything fails here, the process is killed: nothing would supervise it. */
function supervise(native: Native, pid: number, terminal: number): number {
  try {
    return native.supervise(pid, terminal, -1)
  } catch (error) {
    const status = native.processStatus(pid)
    if (status !== undefined) native.signal(pid, status.startTime, SIGKILL)
    throw error
  }
}

const stopped = () =>
  new RuntError('state', 'cannot exec in a stopped container: its process has ended; delete it, and run it again')

/** The container ended while it was being joined. */
const isGone = (code: string): boolean => code === 'ESRCH'

/** runc's wording. A created container has its namespaces already, so it can be joined. */
function checkStatus(native: Native, { directory, record }: Container, flags: Flags): void {
  const status = containerStatus(native, directory, record)
  if (status === 'stopped') throw stopped()
  if (status === 'creating') throw new RuntError('state', 'cannot exec in a container that is being created')
  if (status === 'paused' && !flags['ignore-paused']) {
    throw new RuntError('state', 'cannot exec in a paused container (use --ignore-paused to override)')
  }
}

function readNamed(native: Native, path: string, name: string): string {
  try {
    return native.readFile(path)
  } catch (error) {
    throw hostFailure(name, error)
  }
}

function chooseProcess({ native, log }: Context, config: Config, flags: Flags, args: readonly string[]): Process {
  const file = flags.process
  if (file === undefined || file === '')
    return processOfFlags(config, flags, args, (warning) => warnOf([warning], log.warn))
  const name = `--process ${file}`
  const { process, warnings } = parseProcess(readNamed(native, file, name), name)
  warnOf(warnings, log.warn)
  return processOfFile(config, process)
}

/** The terminal is not served by this process. */
const isSent = (flags: Flags): boolean => flags.detach || flags['console-socket'] !== undefined

function targetOf(native: Native, record: ContainerRecord, { linux }: Config, facts: HostFacts): ExecTarget {
  const { pid, startTime, bundle, cgroups, namespaces } = record
  const hasUser = hasNamespace(linux, 'user')
  const own: NamespaceType[] = hasUser && isInUserNamespaceOf(native, pid) ? ['user'] : []
  return {
    pid,
    startTime,
    bundle,
    rdtTasks: record.rdt?.tasks ?? [],
    cgroups,
    own,
    more: namespaces,
    rootless: record.rootless,
    attach: attachment(native, record, facts),
    initCgroup: initCgroup(native, record, facts),
  }
}

function isInUserNamespaceOf(native: Native, pid: number): boolean {
  try {
    return native.readLink('/proc/self/ns/user') === native.readLink(`/proc/${pid}/ns/user`)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    // Init is not dumpable (PR_SET_DUMPABLE(2const)) until `start`: docs/spec-choices.md.
    const message =
      'is not open to an ordinary user before the container is started, nor while its program is not dumpable'
    throw new RuntError('state', `/proc/${pid}/ns: ${message}`)
  }
}

/**
 * A user may only move processes between cgroups below one that the user owns (cgroups(7), Delegation); a login session is not below the
 * user's systemd. Then the user's systemd moves the process, with the help of the system's.
 */
function attachment(native: Native, { cgroups, unit }: ContainerRecord, facts: HostFacts): ExecTarget['attach'] {
  const { '': directory } = cgroups
  if (unit?.kind !== 'user' || directory === undefined) return undefined
  const [tree] = facts.cgroups.hierarchies
  const above = commonDirectory(`${tree?.mountpoint}${tree?.own}`, directory)
  const end = directory.indexOf(`/${unit.name}`) + 1 + unit.name.length
  const isOurs = native.status(`${above}/cgroup.procs`)?.uid === facts.euid
  return isOurs ? undefined : { unit: unit.name, directory: directory.slice(0, end) }
}

/** On a v2 host: the current cgroup of the first process, relative to the container's. */
function initCgroup(
  native: Native,
  { pid, cgroups }: ContainerRecord,
  { cgroups: host }: HostFacts,
): string | undefined {
  const { '': unified } = cgroups
  if (unified === undefined || host.mode !== 'v2') return undefined
  const text = readNamed(native, `/proc/${pid}/cgroup`, `cgroup of process ${pid}`)
  const directory = `${host.hierarchies[0]?.mountpoint}${parseOwnCgroups(text).get('')}`
  return directory.startsWith(`${unified}/`) ? directory : undefined
}

/** Launches the process; it runs when this returns. */
function launch(context: Context, plan: LaunchPlan, record: ContainerRecord, flags: Flags, config: Config) {
  const { native, log } = context
  const { unit } = record
  const event = runPlan(native, plan, (step, pid) => {
    if (step?.op === 'attach_unit') return attach(native, step, pid, unit)
    reportPid(native, pid, flags)
    if (!flags.detach) native.holdSignals()
  })
  if (event.kind === 'failed')
    throw isGone(event.code) ? stopped() : describeFailure(plan, event, explain(native, plan, record, config))
  for (const warning of event.warnings) log.warn(describeWarning(plan, warning, explain(native, plan, record, config)))
  refuseDenied(native, plan.denied, event.pid, 'launched')
  return event
}

/** The container's mounts are there, seen through its process. */
const explain = (native: Native, plan: LaunchPlan, { pid, cgroups }: ContainerRecord, config: Config): Explain =>
  explainer({ native, plan, config, root: { path: `/proc/${pid}/root`, mounts: 'there' }, cgroups })

function attach(native: Native, step: StepOf<'attach_unit'>, pid: number, unit: UnitRecord | undefined): void {
  const { unit: name, subgroup } = step
  withSystemd(native, unit?.kind ?? 'user', (systemd) =>
    converse(native, systemd, (session) => attachProcess(session, name, subgroup, pid), `attach a process to ${name}`),
  )
}
