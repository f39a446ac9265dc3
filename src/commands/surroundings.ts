// What a process gets from those who call us, beside its config: descriptors (--preserve-fds, sd_listen_fds(3)), the size of our
// terminal, and the socket of a service manager (sd_notify(3)).

import type { Config, Process } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import type { Context } from './context.ts'
import { checkManager, withNotifySocket } from './notify-socket.ts'

export interface CallerOptions {
  /** `kept`: the terminal is ours to serve. */
  readonly terminal: 'kept' | 'sent'
  /** --preserve-fds. */
  readonly preserveFds: number
}

export interface Surroundings {
  readonly config: Config
  /** Descriptors from 3 up that the container inherits. */
  readonly preserveFds: number
  /** The service manager's address, where the container is to have a socket. */
  readonly manager: string | undefined
}

/** The config of a first process with what its surroundings add. */
export function withSurroundings(
  context: Context,
  config: Config,
  stateDirectory: string,
  { terminal, preserveFds }: CallerOptions,
): Surroundings {
  const { native } = context
  const address = native.env('NOTIFY_SOCKET')
  const manager = address === undefined || address === '' ? undefined : checkManager(context, address)
  const listen = listenVariables(native)
  const all = preserveFds + listen.count
  checkPreserved(native, all)
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

/** In the foreground the terminal has the size of ours. */
export function withTerminalSize(native: Native, process: Process): Process {
  if (!process.terminal) return process
  const size = native.terminalSize()
  if (size === undefined || size.rows === 0) return process
  return { ...process, consoleSize: { height: BigInt(size.rows), width: BigInt(size.columns) } }
}

/** sd_listen_fds(3): descriptors from 3 up that are meant for this process, and what the container's is told of them. */
function listenVariables(native: Native): { readonly count: number; readonly variables: readonly string[] } {
  const count = native.env('LISTEN_FDS')
  const isOurs = count !== undefined && native.env('LISTEN_PID') === String(native.pid())
  if (!isOurs || !/^\d{1,6}$/.test(count) || Number(count) === 0) return { count: 0, variables: [] }
  const names = native.env('LISTEN_FDNAMES')
  // It is pid 1 of its namespace.
  const variables = [`LISTEN_FDS=${count}`, 'LISTEN_PID=1']
  return {
    count: Number(count),
    variables: names === undefined ? variables : [...variables, `LISTEN_FDNAMES=${names}`],
  }
}

/** Before we open anything ourselves: that must not be taken for one of them. */
export function checkPreserved(native: Native, count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    if (native.exists(`/proc/self/fd/${fd}`)) continue
    throw new RuntError('usage', `--preserve-fds: unable to stat preserved-fd ${fd} (of ${count}): it is not open`)
  }
}
