// NOTIFY_SOCKET (sd_notify(3), as in runc): passes READY=1 and the main pid on to a service manager that waits for the
// container. The container gets a socket of its own, because the manager trusts messages of its service, and must not
// trust all messages of a container.

import type { Context } from '../cli/context.ts'
import type { Config } from '../config/config.ts'
import { type Native, WATCH_READABLE } from '../native.ts'
import type { ContainerRecord } from '../state/record.ts'

/** In the state directory; bind-mounted into the container. */
const DIRECTORY = 'notify'
const SOCKET = 'notify.sock'
const DESTINATION = '/run/notify'
const OPTIONS = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']

export interface NotifySocket {
  /** The address of the service manager. */
  readonly manager: string
  /** The runtime's socket, to which the container writes. */
  readonly socket: number
}

/** Returns the address, unless messages cannot be passed on to it. */
export function checkManager({ log }: Context, address: string): string | undefined {
  if (/^[/@]./.test(address)) return address
  log.warn(`NOTIFY_SOCKET=${address}: neither a path nor an abstract address: not served`)
  return undefined
}

/** Adds the socket's directory and NOTIFY_SOCKET to the config. */
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

/** `label`: an SELinux label that the container may use (linux.mountLabel); the socket inherits it. */
export function makeNotifyDirectory({ native, log }: Context, stateDirectory: string, label: string | undefined): void {
  const path = `${stateDirectory}/${DIRECTORY}`
  native.mkdir(path, 0o755)
  if (label === undefined) return
  try {
    native.setAttribute(path, 'security.selinux', label)
  } catch (error) {
    log.warn(`NOTIFY_SOCKET: the container may not reach its socket: ${messageOf(error)}`)
  }
}

/** Called before the container's process runs, so that no message is lost. */
export function bindNotifySocket(native: Native, stateDirectory: string, manager: string): NotifySocket {
  return { manager, socket: native.bindNotify(`${stateDirectory}/${DIRECTORY}/${SOCKET}`) }
}

/**
 * Detached: returns when the container is ready (the manager then watches its process) or when its process has ended.
 */
export function waitUntilReady(context: Context, notify: NotifySocket, { pid, startTime }: ContainerRecord): void {
  for (;;) {
    const text = context.native.receiveNotify(notify.socket, pid, startTime)
    if (text === undefined) return
    if (!isReady(text)) continue
    tellManager(context, notify, pid, 'barrier')
    return
  }
}

/** Foreground: the main process is the runtime, which passes on the container's message while it supervises. */
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
    if (status !== WATCH_READABLE) return status
    if (!isReady(native.receiveNotify(watch, pid, startTime) ?? '')) continue
    tellManager(context, notify, native.pid(), 'go-on')
    native.close(watch)
    watch = -1
  }
}

/** Only READY=1 is passed on: a container must not set MAINPID and the like. */
const isReady = (text: string): boolean => text.split('\n').includes('READY=1')

/** Sends one message: after READY=1 alone, the manager would continue with the wrong main process. */
function tellManager({ native, log }: Context, { manager }: NotifySocket, pid: number, end: 'barrier' | 'go-on'): void {
  try {
    native.sendNotify(manager, `MAINPID=${pid}\nREADY=1\n`, end)
  } catch (error) {
    log.warn(`NOTIFY_SOCKET: ${messageOf(error)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
