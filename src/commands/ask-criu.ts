// One request to CRIU and the conversation that follows (criu.org, "RPC"): init becomes CRIU, is told what to do, says on the way
// what it has come to, and ends. What it is asked for decides src/criu/, what its notifications mean the commands.

import { PRIVATE_MODE } from '../criu/image-access.ts'
import { type CriuAction, type CriuOptions, decodeResponse, encodeAcknowledgement, encodeRequest } from '../criu/rpc.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import type { LaunchPlan } from '../plan/launch-plan.ts'
import { SIGKILL } from '../state/signals.ts'
import { runPlan } from './run-plan.ts'

/** What CRIU says on the way: the script's name in criu(8) "--action-script", a pid with some of them, and a descriptor or -1. */
export interface Notification {
  readonly script: string
  readonly pid: number
  readonly fd: number
}

export interface CriuRequest {
  readonly action: CriuAction
  /** Asked when CRIU is there, for what depends on its pid. */
  readonly options: (pid: number) => CriuOptions
  readonly plan: LaunchPlan
  /** With --systemd-cgroup, when CRIU waits for its cgroups. */
  readonly startUnit?: (pid: number) => void
  /** The file that CRIU's own messages are in. */
  readonly log: string
  /** Throws to make CRIU give up. */
  readonly notified: (notification: Notification) => void
}

/** Returns when CRIU has done what it was asked; throws with what its log says. */
export function askCriu(native: Native, request: CriuRequest): void {
  const event = runPlan(native, request.plan, 0, (_, pid) => request.startUnit?.(pid))
  if (event.kind === 'failed') throw explained(describeFailure(request.plan, event))
  try {
    converse(native, request, event)
  } finally {
    // After a pre-dump it waits for more, and would complain of the end.
    if (request.action === 'pre-dump') endCriu(native, event.pid)
    // It ends when nobody listens any more. What it has restored is our child, too, and may have ended first.
    native.close(event.kept)
    native.reap(event.pid)
  }
}

/** Our child, which nobody has reaped: the pid is its own. */
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
      throw new RuntError('host', `criu: ${action}: ${said || 'it has ended without an answer'}; see ${log}`)
    }
    fault = tell(notified, { script: response.notify.script ?? '', pid: response.notify.pid ?? 0, fd })
    packet = encodeAcknowledgement(fault === undefined ? 'done' : 'failed')
  }
}

/** What was thrown is kept until CRIU has undone its own part. */
function tell(notified: CriuRequest['notified'], notification: Notification): unknown {
  try {
    notified(notification)
    return undefined
  } catch (error) {
    return error
  }
}

const LOG_LIMIT = 64 * 1024 * 1024

/** CRIU goes on after these: without CAP_SYS_RESOURCE it cannot raise its own limit. */
const harmless = ["rlimit: Can't setup RLIMIT_NOFILE", 'tun: Unable to create tun']

/** The first error of CRIU's log: the ones after it follow from that. `(00.012345) Error (criu/x.c:12): what`. */
function reasonIn(native: Native, log: string): string {
  try {
    const lines = native.readFile(log, LOG_LIMIT).split('\n')
    const line = lines.find((text) => text.includes(' Error (') && !harmless.some((known) => text.includes(known)))
    return line?.slice(line.indexOf(' Error (') + 1).trim() ?? ''
  } catch {
    return ''
  }
}

/** The directories of a checkpoint or restore, as CRIU wants them. */
export interface Directories {
  readonly images: string
  readonly work: string
}

/**
 * Makes --image-path and --work-path where they are missing and keeps other checkpoints from them. `root`: where CRIU's own mount
 * namespace begins, since it cannot mount on the directories of another.
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

/** PATH, or what execvp(3) takes for it. */
export const searchPath = (native: Native): string => native.env('PATH') || '/usr/sbin:/usr/bin:/sbin:/bin'
