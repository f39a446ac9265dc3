// What a process gets from the runtime's caller in addition to its config: descriptors (--preserve-fds,
// sd_listen_fds(3)), the size of our terminal, and the socket of a service manager (sd_notify(3)).

import type { Context } from '../cli/context.ts'
import type { Config, Process } from '../config/config.ts'
import type { Native } from '../native.ts'
import { checkManager, withNotifySocket } from './notify-socket.ts'

const DESCRIPTORS = '/proc/self/fd'

export interface CallerOptions {
  /** `kept`: the runtime serves the terminal. */
  readonly terminal: 'kept' | 'sent'
  /** --preserve-fds. */
  readonly preserveFds: number
}

export interface CallerSettings {
  readonly config: Config
  /** Descriptors from 3 up that the container inherits, sorted. */
  readonly preserveFds: readonly number[]
  /** The service manager's address, if the container gets a socket. */
  readonly manager: string | undefined
}

/** Adds all of this to the config of a first process. */
export function withCallerSettings(
  context: Context,
  config: Config,
  stateDirectory: string,
  { terminal, preserveFds }: CallerOptions,
): CallerSettings {
  const { native } = context
  const address = native.env('NOTIFY_SOCKET')
  const manager = address === undefined || address === '' ? undefined : checkManager(context, address)
  const listen = listenVariables(native)
  const all = openDescriptors(native, preserveFds + listen.count)
  const { process } = config
  const sized = process !== undefined && terminal === 'kept' ? withTerminalSize(native, process) : process
  if (manager === undefined && listen.count === 0 && sized === process) return { config, preserveFds: all, manager }
  const changed: Config =
    sized === undefined ? config : { ...config, process: { ...sized, env: [...sized.env, ...listen.variables] } }
  return {
    config: manager === undefined ? changed : withNotifySocket(changed, stateDirectory),
    preserveFds: all,
    manager,
  }
}

/** In the foreground the terminal gets the size of ours. */
export function withTerminalSize(native: Native, process: Process): Process {
  if (!process.terminal) return process
  const size = native.terminalSize()
  if (size === undefined || size.rows === 0) return process
  return { ...process, consoleSize: { height: BigInt(size.rows), width: BigInt(size.columns) } }
}

/**
 * sd_listen_fds(3): the number of descriptors from 3 up passed to this process, and the variables for the container's
 * process.
 */
function listenVariables(native: Native): { readonly count: number; readonly variables: readonly string[] } {
  const count = native.env('LISTEN_FDS')
  const isOurs = count !== undefined && native.env('LISTEN_PID') === String(native.pid())
  if (!isOurs || !/^\d{1,6}$/.test(count) || Number(count) === 0) return { count: 0, variables: [] }
  const names = native.env('LISTEN_FDNAMES')
  // The process is pid 1 of its namespace.
  const variables = [`LISTEN_FDS=${count}`, 'LISTEN_PID=1']
  return {
    count: Number(count),
    variables: names === undefined ? variables : [...variables, `LISTEN_FDNAMES=${names}`],
  }
}

const FIRST_FD = 3

/**
 * The open descriptors among the `count` from 3 up: runc and crun pass these on and keep the gaps. Called before the runtime opens
 * anything itself, so that none of its own descriptors is among them.
 */
export function openDescriptors(native: Native, count: number): readonly number[] {
  if (count === 0) return []
  const listed = native.readDirectory(DESCRIPTORS).map(Number)
  // The listing includes its own descriptor, which is closed by now.
  return listed
    .filter((fd) => fd >= FIRST_FD && fd < FIRST_FD + count && native.status(`${DESCRIPTORS}/${fd}`) !== undefined)
    .sort((a, b) => a - b)
}
