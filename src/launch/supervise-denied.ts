// run --seccomp-log: calls that the profile denies wait for a response of the runtime (plan/seccomp-log.ts), which is
// the profile's own action. Reports once what was denied and by which rule, and at the end how often
// (seccomp_unotify(2)).

import { type ArchitectureName, architectureOf, type Explanation, explainSyscall } from 'seccomp-bpf-js'
import type { Context } from '../cli/context.ts'
import type { Seccomp } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { type Native, WATCH_READABLE } from '../native.ts'
import { withErrnoName } from '../plan/errno-name.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { argumentsOf } from '../plan/syscall-arguments.ts'
import type { LaunchedContainer } from './launch-container.ts'

const [ERRNO, ALLOW, LOG, ACTION, DATA] = [0x00050000, 0x7fff0000, 0x7ffc0000, 0xffff0000, 0xffff]
const MAX_ERRNO = 4095
/** 128 + SIGSYS: how the kernel ends a process by a filter. */
const KILLED_BY_FILTER = 159

interface Denied {
  readonly name: string
  readonly path: string
  count: number
}

/**
 * Like `supervise`, and also responds to seccomp notifications. The exit status is that without --seccomp-log, although the
 * runtime can kill only with SIGKILL.
 */
export function superviseDenied({ native, log }: Context, { config, record, listener }: LaunchedContainer): number {
  const profile = config.linux.seccomp as Seccomp
  const { arch } = hostFacts(native.probe())
  const denied = new Map<string, Denied>()
  let isKilled = false
  for (;;) {
    const status = native.supervise(record.pid, -1, listener)
    if (status !== WATCH_READABLE) {
      for (const { name, path, count } of denied.values())
        if (count > 1) log.report(`seccomp: ${name}: denied ${count} times by ${path}`)
      return isKilled ? KILLED_BY_FILTER : status
    }
    const question = native.receiveSeccompNotif(listener)
    if (question === '') continue
    const [, pid = '', number = '', audit = '', ...args] = question.split(' ')
    const call = {
      syscall: Number(`0x${number}`),
      args: args.map((word) => BigInt(`0x${word}`)),
      arch: archOf(Number(`0x${audit}`), Number(`0x${number}`)),
    }
    const explained = explainSyscall(profile, { arch }, call)
    if (!('verdict' in explained)) throw new RuntError('internal', '--seccomp-log: the profile no longer compiles')
    const { path } = explained
    const answer = answerOf(explained)
    const name = `${explained.name} of ${explained.arch}`
    const seen = denied.get(`${name} ${path}`)
    if (seen !== undefined) seen.count++
    else if (answer !== 'continue') {
      denied.set(`${name} ${path}`, { name, path, count: 1 })
      log.report(report(native, explained, { listener, question, pid: Number(`0x${pid}`), args }))
    }
    isKilled ||= answer === 'kill' && Number(`0x${pid}`) === record.pid
    native.sendSeccompResponse(listener, question, answer, Math.min(explained.action & DATA, MAX_ERRNO))
  }
}

function answerOf({ action }: Explanation): 'continue' | 'error' | 'kill' {
  const kind = (action & ACTION) >>> 0
  return kind === ERRNO ? 'error' : kind === ALLOW || kind === LOG ? 'continue' : 'kill'
}

interface Notification {
  readonly listener: number
  readonly question: string
  readonly pid: number
  readonly args: readonly string[]
}

function report(native: Native, explained: Explanation, notification: Notification): string {
  const { name, arch, path } = explained
  const { pid } = notification
  const verdict = withErrnoName(explained.verdict)
  const how = answerOf(explained) === 'kill' ? `${verdict} (here with SIGKILL)` : verdict
  const values = argumentTexts(native, name, notification).join(', ')
  const comm = native.processStatus(pid)?.comm ?? '?'
  return `seccomp: ${name}(${values}) of ${arch} by pid ${pid} (${comm}): denied with ${how} by ${path}`
}

/** As many as the call has; strings as they are now in the process's memory. */
function argumentTexts(native: Native, name: string, { listener, question, args }: Notification): readonly string[] {
  return [...argumentsOf(name)].map((kind, i) => {
    const word = args[i] ?? '0'
    const text = kind === 's' && word !== '0' ? native.readNotifiedString(listener, question, word) : undefined
    if (text !== undefined) return JSON.stringify(text)
    return word.length === 1 ? word : `0x${word}`
  })
}

function archOf(audit: number, number: number): ArchitectureName {
  const found = architectureOf(audit, number)
  if (found === undefined)
    throw new RuntError('internal', `--seccomp-log: unknown architecture 0x${audit.toString(16)}`)
  return found.name as ArchitectureName
}
