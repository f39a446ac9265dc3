// One request to CRIU and its notifications (criu.org, "RPC"): init becomes CRIU, gets the request, sends
// notifications, and exits. Other files of src/criu/ build the request; the commands handle the notifications.

import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { runPlan } from '../launch/run-plan.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { SIGKILL } from '../state/signals.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { PRIVATE_MODE } from './image-access.ts'
import { type CriuAction, type CriuOptions, decodeResponse, encodeAcknowledgement, encodeRequest } from './rpc.ts'

/**
 * A notification of CRIU: the script's name of criu(8) "--action-script", for some of them a pid, and a descriptor or
 * -1.
 */
export interface Notification {
  readonly script: string
  readonly pid: number
  readonly fd: number
}

export interface CriuRequest {
  readonly action: CriuAction
  /** Called once CRIU runs, for options that depend on its pid. */
  readonly options: (pid: number) => CriuOptions
  readonly plan: LaunchPlan
  /** With --systemd-cgroup: called when CRIU waits for its cgroups. */
  readonly startUnit?: (pid: number) => void
  /** CRIU's log file. */
  readonly log: string
  /** Called for each notification; throws to make CRIU abort. */
  readonly notified: (notification: Notification) => void
}

/** Returns once CRIU has completed the request; throws an error with the reason from its log. */
export function runCriuRequest(native: Native, request: CriuRequest): void {
  const event = runPlan(native, request.plan, (_, pid) => request.startUnit?.(pid))
  if (event.kind === 'failed') throw explained(describeFailure(request.plan, event))
  try {
    converse(native, request, event)
  } finally {
    // After a pre-dump CRIU waits for further requests, and would log an error at the end of the socket.
    if (request.action === 'pre-dump') endCriu(native, event.pid)
    // CRIU exits when the socket is closed. The process it has restored is our child, too, and may have ended before.
    native.close(event.kept)
    native.reap(event.pid)
  }
}

/** CRIU is our child and has not been reaped, so the pid has not been reused. */
function endCriu(native: Native, pid: number): void {
  const status = native.processStatus(pid)
  if (status !== undefined) native.signal(pid, status.startTime, SIGKILL)
}

const explained = (error: RuntError): RuntError =>
  error.message.includes('executable file not found')
    ? new RuntError('host', `${error.message}; checkpoint and restore need CRIU, https://criu.org`)
    : error

function converse(native: Native, request: CriuRequest, criu: { readonly pid: number; readonly kept: number }): void {
  const { action, log, notified } = request
  let packet = encodeRequest(action, request.options(criu.pid))
  let fault: unknown
  for (;;) {
    const { message, fd } = native.exchange(criu.kept, packet)
    const response = message.length === 0 ? undefined : decodeResponse(message)
    if (response?.notify === undefined || !response.success) {
      if (fault !== undefined) throw fault
      if (response?.success) return
      const said = reasonIn(native, log) || response?.cr_errmsg
      throw new RuntError('host', `criu: ${action}: ${said || 'exited without a response'}; see ${log}`)
    }
    fault = tell(notified, { script: response.notify.script ?? '', pid: response.notify.pid ?? 0, fd })
    packet = encodeAcknowledgement(fault === undefined ? 'done' : 'failed')
  }
}

/** Calls `notified`. Returns what it throws, to be thrown once CRIU has undone its own part. */
function tell(notified: CriuRequest['notified'], notification: Notification): unknown {
  try {
    notified(notification)
    return undefined
  } catch (error) {
    return error
  }
}

const LOG_LIMIT = 64 * 1024 * 1024

/** Errors after which CRIU continues: without CAP_SYS_RESOURCE it cannot raise its own limit. */
const harmless = ["rlimit: Can't setup RLIMIT_NOFILE", 'tun: Unable to create tun']

/**
 * The first error of CRIU's log; later ones follow from it. `(00.012345) Error (criu/x.c:12): what`, in a child without
 * the time.
 */
function reasonIn(native: Native, log: string): string {
  try {
    const lines = native.readFile(log, LOG_LIMIT).split('\n')
    const line = lines.find((text) => /(^| )Error \(/.test(text) && !harmless.some((known) => text.includes(known)))
    return line?.slice(line.indexOf('Error (')).trim() ?? ''
  } catch {
    return ''
  }
}

/** The directories of a checkpoint or restore, as descriptors for CRIU. */
export interface Directories {
  readonly images: string
  readonly work: string
}

/**
 * Creates --image-path and --work-path if needed and locks them against other checkpoints. `root`: the root of CRIU's own mount namespace,
 * because CRIU cannot mount on directories of another one.
 */
export function openDirectories(
  native: Native,
  { images, work }: Directories,
  root = '',
): Pick<CriuOptions, 'images_dir_fd' | 'work_dir_fd'> {
  const imagesFd = openDirectory(native, '--image-path', images, root)
  const workFd = work === images ? imagesFd : openDirectory(native, '--work-path', work, root)
  return { images_dir_fd: imagesFd, work_dir_fd: workFd }
}

function openDirectory(native: Native, flag: string, path: string, root: string): number {
  try {
    native.mkdirAll(path, PRIVATE_MODE)
    return native.lock(root + native.realpath(path))
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN' || errnoOf(error) === 'EWOULDBLOCK')
      throw new RuntError('state', `${flag} ${path}: another checkpoint or restore is using it`)
    throw hostFailure(`${flag} ${path}`, error)
  }
}

/** PATH, or the default of execvp(3). */
export const searchPath = (native: Native): string => native.env('PATH') || '/usr/sbin:/usr/bin:/sbin:/bin'
