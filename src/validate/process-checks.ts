// process: limits, the OOM score and labels that this host would refuse.

import { hasNamespace } from '../config/has-namespace.ts'
import { quote } from '../config/rule.ts'
import { errnoPhrase } from '../errno.ts'
import { ownLimits } from '../host/own-process.ts'
import { readSetting } from '../state/read-setting.ts'
import { type HostCheck, mayRaiseLimits } from './check.ts'

const UNLIMITED = 0xffff_ffff_ffff_ffffn

/** Unlimited if it is not known. */
const numberOf = (limit: string | undefined): bigint =>
  /^\d+$/.test(limit ?? '') ? BigInt(limit as string) : UNLIMITED

export const checkRlimits: HostCheck = (context) => {
  const { native, config, report } = context
  const may = mayRaiseLimits(context) && !hasNamespace(config.linux, 'user')
  const own = ownLimits(native)
  const files = numberOf(readSetting(native, '/proc/sys/fs/nr_open'))
  for (const [i, { type, hard }] of (config.process?.rlimits ?? []).entries()) {
    const limit = numberOf(own.get(type)?.hard)
    const path = `process.rlimits[${i}].hard`
    if (type === 'RLIMIT_NOFILE' && hard > files) report(path, `${hard} is above fs.nr_open, ${files}`)
    else if (!may && hard > limit)
      report(path, `${hard} is above the caller's hard limit, ${limit}: raising it needs CAP_SYS_RESOURCE`)
  }
}

/** The kernel remembers the lowest score that the caller may set; so it is asked, with this process. */
export const checkOomScore: HostCheck = (context) => {
  const { native, config, report } = context
  const score = config.process?.oomScoreAdj
  const file = '/proc/self/oom_score_adj'
  const own = readSetting(native, file) ?? ''
  if (score === undefined || own === '' || score >= Number(own) || mayRaiseLimits(context)) return
  try {
    native.writeFile(file, `${score}`, 0)
    native.writeFile(file, own, 0)
  } catch {
    report('process.oomScoreAdj', `${score} is below the caller's own, ${own}: that needs CAP_SYS_RESOURCE`)
  }
}

const PROFILES = '/sys/kernel/security/apparmor/profiles'

/** Only root can list the profiles. Names of other namespaces (`:ns:name`) and stacks are not listed there. */
export const checkAppArmor: HostCheck = ({ native, config, facts, report }) => {
  const profile = config.process?.apparmorProfile
  if (!facts.apparmor || profile === undefined || profile === 'unconfined' || /^:|\/\/&/.test(profile)) return
  const profiles = readSetting(native, PROFILES) ?? ''
  if (profiles === '' || profiles.split('\n').some((line) => line.startsWith(`${profile} (`))) return
  report('process.apparmorProfile', `the profile ${quote(profile)} is not loaded: see apparmor_parser(8)`)
}

/** The kernel is asked with this process: the settings are lost when it ends. */
export const checkOwnSettings: HostCheck = ({ native, planned, report }) => {
  for (const step of planned?.plan.containerSteps ?? []) {
    if (step.op !== 'set_mempolicy' && step.op !== 'ioprio_set') continue
    const event = native.launch({ slots: ['sync'], runtimeSteps: [step], containerSteps: [] })
    if (event.kind === 'failed') report(step.from, `${event.syscall}: ${errnoPhrase(event.code)}`)
  }
}

/** The same for priorities, but only whether it may: in the container's cgroup other limits apply. */
export const checkScheduler: HostCheck = ({ native, planned, report }) => {
  for (const step of planned?.plan.containerSteps ?? []) {
    if (step.op !== 'sched_setattr') continue
    const back = { ...step, policy: 0, flags: 0, nice: 0, priority: 0, runtime: 0, deadline: 0, period: 0 }
    const event = native.launch({ slots: ['sync'], runtimeSteps: [step, back], containerSteps: [] })
    if (event.kind === 'failed' && event.step === 0 && event.code === 'EPERM')
      report(step.from, `${event.syscall}: ${errnoPhrase(event.code)}; it needs CAP_SYS_NICE`)
  }
}
