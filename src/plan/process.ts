// Process attributes (config.md "Process"): limits, scheduling, labels, environment, working directory and program.

import type { Process, Scheduler } from '../config/config.ts'
import { rlimitNames } from '../config/kernel-names.ts'
import { RuntError } from '../errors.ts'
import {
  EACCES,
  ELOOP,
  ENOENT,
  ENOTDIR,
  PROC_SUPER_MAGIC,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from '../steps/constants.ts'
import type { Step, StepOf } from '../steps/launch-plan.ts'
import type { PlanContext, ProcessContext } from './context.ts'
import { usesHostProc } from './host-proc.ts'
import { openProc } from './paths.ts'

/** Limits on what init itself still does: opening files, and the fork of `exec`. */
const lateLimits: readonly string[] = ['RLIMIT_NOFILE', 'RLIMIT_NPROC']

/** All limits; of the late ones only what needs a privilege. */
export const rlimitSteps = (context: ProcessContext): Step[] =>
  allLimits(context).map((step) => (isLate(step) ? { ...step, raise: 1 } : step))

/** The late limits: lowering a limit needs no privilege. */
export const lateRlimitSteps = (context: ProcessContext): Step[] => allLimits(context).filter(isLate)

const isLate = ({ resource }: StepOf<'prlimit'>): boolean => lateLimits.includes(rlimitNames[Number(resource)] ?? '')

function allLimits({ process }: ProcessContext): StepOf<'prlimit'>[] {
  return process.rlimits.map(({ type, soft, hard }, index) => {
    const resource = rlimitNames.indexOf(type)
    if (resource < 0) throw new RuntError('config', `process.rlimits[${index}].type: unknown limit ${type}`)
    return { op: 'prlimit', from: `process.rlimits[${index}] (${type})`, resource, soft, hard }
  })
}

/** Writes to /proc/self: the OOM score, and the labels that apply at the next execve(2). */
function selfWrites({ process, facts }: ProcessContext): { from: string; path: string; data: string }[] {
  const writes: { from: string; path: string; data: string }[] = []
  if (process.oomScoreAdj !== undefined)
    writes.push({ from: 'process.oomScoreAdj', path: 'self/oom_score_adj', data: `${process.oomScoreAdj}` })
  if (process.apparmorProfile !== undefined) {
    if (!facts.apparmor)
      throw new RuntError(
        'host',
        'process.apparmorProfile: AppArmor is not enabled on this host; enable it, or remove the property',
      )
    writes.push({
      from: 'process.apparmorProfile',
      path: 'self/attr/apparmor/exec',
      data: `exec ${process.apparmorProfile}`,
    })
  }
  if (process.selinuxLabel && facts.selinux)
    writes.push({ from: 'process.selinuxLabel', path: 'self/attr/exec', data: process.selinuxLabel })
  return writes
}

/** A process in a user namespace may not lower its OOM score. So then it is set before; fork(2) preserves it. */
export const scoreSteps = (context: PlanContext): Step[] =>
  context.namespaces.of('user') === 'host' ? [] : hostProcSteps(context).filter(isScore)

const isScore = ({ from }: { readonly from: string }): boolean => from === 'process.oomScoreAdj'

export function procSteps(context: PlanContext): Step[] {
  const first = ownWrites(context)[0]
  if (first === undefined || usesHostProc(context)) return []
  const { proc, steps } = openProc(context, first.from)
  return [...steps, ...procWrites(context, proc)]
}

/** `self` is a link, so links are followed; magic links and mounts over procfs are not (CVE-2019-16884). */
export function procWrites(context: PlanContext, proc: number): Step[] {
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
  return ownWrites(context).map((write) => ({
    op: 'write_file',
    at: proc,
    expectFs: PROC_SUPER_MAGIC,
    resolve,
    ...write,
  }))
}

const ownWrites = (context: PlanContext) =>
  selfWrites(context).filter((write) => !isScore(write) || context.namespaces.of('user') === 'host')

/**
 * The same for `exec`, before it joins the container's namespaces, through the host's procfs. fork(2) preserves the
 * values.
 */
export const hostProcSteps = (context: ProcessContext): Step[] =>
  selfWrites(context).map(
    (write): Step => ({ op: 'write_file', ...write, path: `/proc/${write.path}`, expectFs: PROC_SUPER_MAGIC }),
  )

/** sched_setattr(2). */
export const schedulerPolicies: Readonly<Record<Scheduler['policy'], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
}
export const schedulerFlags: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
}
/** ioprio_set(2). */
export const ioPriorityClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const
export const IOPRIO_CLASS_SHIFT = 13

export function schedulingSteps({ process }: ProcessContext): Step[] {
  const steps: Step[] = []
  const { scheduler, ioPriority } = process
  if (scheduler !== undefined)
    steps.push({
      op: 'sched_setattr',
      from: 'process.scheduler',
      policy: schedulerPolicies[scheduler.policy],
      flags: scheduler.flags.reduce((all, flag) => all | (schedulerFlags[flag] ?? 0), 0),
      nice: scheduler.nice,
      priority: scheduler.priority,
      runtime: scheduler.runtime,
      deadline: scheduler.deadline,
      period: scheduler.period,
    })
  if (ioPriority !== undefined)
    steps.push({
      op: 'ioprio_set',
      from: 'process.ioPriority',
      priority: (ioPriorityClasses[ioPriority.class] << IOPRIO_CLASS_SHIFT) | ioPriority.priority,
    })
  return steps
}

/** personality(2). */
export const personalities = { LINUX: 0, LINUX32: 8 } as const

export function personalitySteps({ linux }: ProcessContext): Step[] {
  if (linux.personality === undefined) return []
  return [{ op: 'personality', from: 'linux.personality', persona: personalities[linux.personality.domain] }]
}

const DEFAULT_UMASK = 0o022

export const umaskStep = ({ process }: ProcessContext): Step => ({
  op: 'umask',
  from: 'process.user.umask',
  mode: process.user.umask ?? DEFAULT_UMASK,
})

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment as runc builds it: the last of several values wins, and HOME is always set. */
export function planEnvironment(process: Process): { env: string[]; needsHome: 'find' | 'given' } {
  const values = new Map<string, string>()
  for (const entry of process.env) {
    const equals = entry.indexOf('=')
    if (equals > 0) values.set(entry.slice(0, equals), entry)
  }
  const home = values.get('HOME')
  if (home !== undefined && home !== 'HOME=') return { env: [...values.values()], needsHome: 'given' }
  values.delete('HOME')
  return { env: [...values.values(), 'HOME=/'], needsHome: 'find' }
}

/** The candidates for the program: args[0] itself if it is a path, else in each directory of the container's PATH. */
export function executableCandidates(process: Process): string[] {
  const program = process.args[0] ?? ''
  if (program.includes('/')) return [program]
  const path = process.env.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  return path.split(':').map((directory) => `${directory === '' ? '.' : directory}/${program}`)
}

/** The passwd file is missing, unreadable or not a regular file: then HOME is /. */
const NO_PASSWD = [ENOENT, ENOTDIR, EACCES, ELOOP]

/** Finds the program, with the rights of the user who will run it. */
export function programSteps({ process }: ProcessContext): Step[] {
  if (process.args.length === 0) return []
  const from = `process.args[0] (${process.args[0]})`
  const resolve = RESOLVE_NO_MAGICLINKS
  const steps: Step[] = [{ op: 'find_executable', from, candidates: executableCandidates(process), resolve }]
  if (planEnvironment(process).needsHome === 'find')
    steps.push({ op: 'find_home', from: 'process.env (HOME)', uid: process.user.uid, resolve, tolerate: NO_PASSWD })
  return steps
}

export const execveStep = ({ process }: ProcessContext): Step => ({
  op: 'execve',
  from: `process.args[0] (${process.args[0]})`,
  args: process.args,
  env: planEnvironment(process).env,
})
