// NOTIFY_SOCKET (sd_notify(3), as runc): a service manager that waits for the container hears of its READY=1, and which process is
// the main one. The container gets a socket of its own, for the manager believes what comes from its service and must not
// believe everything that a container says. Loaded only where NOTIFY_SOCKET is set.

import type { Config } from '../config/config.ts'
import { ASKED, type Native } from '../native.ts'
import type { ContainerRecord } from '../state/record.ts'
import type { Context } from './context.ts'

/** In the state directory: what the container sees of the host. */
const DIRECTORY = 'notify'
const SOCKET = 'notify.sock'
const DESTINATION = '/run/notify'
const OPTIONS = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']

export interface NotifySocket {
  /** The address of the service manager. */
  readonly manager: string
  /** Ours, where the container writes to. */
  readonly socket: number
}

/** The address, unless it is one that a container's word cannot be handed on to. */
export function checkManager({ log }: Context, address: string): string | undefined {
  if (/^[/@]./.test(address)) return address
  log.warn(`NOTIFY_SOCKET=${address}: neither a path nor an abstract address: not served`)
  return undefined
}

/** The config with the socket's directory, and the variable that says so. */
export function withNotifySocket(config: Config, stateDirectory: string): Config {
  const { process, mounts } = config
  if (process === undefined) return config
  const mount = { destination: DESTINATION, source: `${stateDirectory}/${DIRECTORY}`, options: OPTIONS }
  return {
    ...config,
    mounts: [...mounts, { ...mount, uidMappings: [], gidMappings: [] }],
    process: { ...process, env: [...process.env, `NOTIFY_SOCKET=${DESTINATION}/${SOCKET}`] },
  }
}

export function makeNotifyDirectory(native: Native, stateDirectory: string): void {
  native.mkdir(`${stateDirectory}/${DIRECTORY}`, 0o755)
}

/** Before the container's process runs, so that nothing it says is lost. */
export function bindNotifySocket(native: Native, stateDirectory: string, manager: string): NotifySocket {
  return { manager, socket: native.bindNotify(`${stateDirectory}/${DIRECTORY}/${SOCKET}`) }
}

/** Detached: we return when the container is ready, and the manager then watches its process; or when that has ended. */
export function waitUntilReady(context: Context, notify: NotifySocket, { pid, startTime }: ContainerRecord): void {
  for (;;) {
    const text = context.native.receiveNotify(notify.socket, pid, startTime)
    if (text === undefined) return
    if (!isReady(text)) continue
    tellManager(context, notify, pid, 'barrier')
    return
  }
}

/** In the foreground the main process is ours, and the container's word comes meanwhile. */
export function superviseNotifying(
  context: Context,
  notify: NotifySocket,
  { pid, startTime }: ContainerRecord,
  terminal: number,
): number {
  const { native } = context
  let watch = notify.socket
  for (;;) {
    const status = native.supervise(pid, terminal, watch)
    if (status !== ASKED) return status
    if (!isReady(native.receiveNotify(watch, pid, startTime) ?? '')) continue
    tellManager(context, notify, native.pid(), 'go-on')
    native.close(watch)
    watch = -1
  }
}

/** Nothing else is handed on: MAINPID and the like are not the container's to say. */
const isReady = (text: string): boolean => text.split('\n').includes('READY=1')

/** In one message: a manager that has seen READY=1 alone would go on with the wrong process. */
function tellManager({ native, log }: Context, { manager }: NotifySocket, pid: number, end: 'barrier' | 'go-on'): void {
  try {
    native.sendNotify(manager, `MAINPID=${pid}\nREADY=1\n`, end)
  } catch (error) {
    log.warn(`NOTIFY_SOCKET: ${error instanceof Error ? error.message : String(error)}`)
  }
}
