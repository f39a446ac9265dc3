// Why the kernel refuses a property of the process: limits, scheduling, labels, memory policy.

import { rlimitNames } from '../config/kernel-names.ts'
import { attempt } from '../errors.ts'
import { isLacking, ownLimits } from '../host/own-process.ts'
import { isInUserNamespace, textOf } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'

/** Privileges in the initial user namespace: a container with one of its own has none. */
const isPowerless = (failure: Failure, capability: string): boolean =>
  isInUserNamespace(failure) || isLacking(failure.native, capability) === true

const hardLimit: Hint = (failure) => {
  const { native, step } = failure
  if (step.op !== 'prlimit' || !isPowerless(failure, 'CAP_SYS_RESOURCE')) return undefined
  const hard = ownLimits(native).get(rlimitNames[Number(step.resource)] ?? '')?.hard
  if (hard === undefined || hard === 'unlimited') return undefined
  return `raising a hard limit needs CAP_SYS_RESOURCE, which the runtime lacks: ask for at most ${hard}, or raise the runtime's`
}

const score: Hint = (failure) => {
  const own = textOf(failure.native, '/proc/self/oom_score_adj')
  const wanted = failure.config?.process?.oomScoreAdj
  if (own === undefined || wanted === undefined || wanted >= Number(own)) return undefined
  if (!isPowerless(failure, 'CAP_SYS_RESOURCE')) return undefined
  return `to go below the runtime's own, ${own}, needs CAP_SYS_RESOURCE, which it lacks: ask for ${own} or more`
}

const DEADLINE = 6
const REALTIME_CLASS = 1
const CLASS_SHIFT = 13

const scheduler: Hint = (failure) => {
  const { step } = failure
  if (step.op !== 'sched_setattr') return undefined
  if (isPowerless(failure, 'CAP_SYS_NICE'))
    return 'real-time policies, and a lower nice value than before, need CAP_SYS_NICE, which the runtime lacks'
  return Number(step.policy) === DEADLINE
    ? "SCHED_DEADLINE as a process scheduler can't be used together with AllowedCPUs, or any cpuset"
    : undefined
}

const ioPriority: Hint = (failure) =>
  failure.step.op === 'ioprio_set' &&
  Number(failure.step.priority) >> CLASS_SHIFT === REALTIME_CLASS &&
  isPowerless(failure, 'CAP_SYS_NICE') &&
  isPowerless(failure, 'CAP_SYS_ADMIN')
    ? 'the class IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN, which the runtime lacks'
    : undefined

const label =
  (property: string): Hint =>
  ({ native }) =>
    attempt(() => native.probe().selinux)
      ? `${property}the policy of this host does not know the label: see seinfo(1)`
      : undefined

const PROFILES = '/sys/kernel/security/apparmor/profiles'

const profile: Hint = ({ native, config }) => {
  const loaded = textOf(native, PROFILES)?.split('\n')
  const name = config?.process?.apparmorProfile
  if (loaded === undefined || name === undefined || loaded.some((line) => line.startsWith(`${name} (`)))
    return undefined
  return `the profile is not loaded: load ${JSON.stringify(name)} with apparmor_parser(8)`
}

const nodes: Hint = ({ native, config }) => {
  const online = textOf(native, '/sys/devices/system/node/online')
  const asked = config?.linux.memoryPolicy?.nodes
  return online === undefined || !asked
    ? undefined
    : `this machine has the memory nodes ${online}, linux.memoryPolicy.nodes asks for ${asked}`
}

const openFiles: Hint = ({ native }) => {
  const own = ownLimits(native).get('RLIMIT_NOFILE')
  return own && `the limit of open files of the runtime is too low: RLIMIT_NOFILE is ${own.soft}, see ulimit -n`
}

const hostFiles: Hint = ({ native }) => {
  const most = textOf(native, '/proc/sys/fs/file-max')
  return most && `the limit of open files of the host is reached: fs.file-max is ${most}`
}

export const processPropertyHints: Hints = {
  'process.oomScoreAdj EACCES': score,
  'process.scheduler EPERM': scheduler,
  'process.ioPriority EPERM': ioPriority,
  'process.selinuxLabel EINVAL': label(''),
  'linux.mountLabel EINVAL': label('linux.mountLabel: '),
  'process.apparmorProfile ENOENT': profile,
}

export const processHints: Hints = {
  'prlimit EPERM': hardLimit,
  'set_mempolicy EINVAL': nodes,
}

export const anywhereHints: Hints = {
  EMFILE: openFiles,
  ENFILE: hostFiles,
}
