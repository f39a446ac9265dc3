/**
 * config.md "Process", for the container's process and for those of `exec`. `at` is the prefix of the paths: `process.`
 * in a config, empty for the file of `exec --process`. Environment entries are refused where runc refuses them.
 */

import { suggest } from '../../suggest.ts'
import type { Process } from '../config.ts'
import { parseIdList } from '../id-list.ts'
import { capabilityNames, rlimitNames } from '../kernel-names.ts'
import { quote, type Report } from '../rule.ts'
import { checkScheduler } from './scheduler.ts'

const capabilitySets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const

export function checkProcess(process: Process, at: string, report: Report, warn: Report): void {
  if (!process.cwd.startsWith('/')) report(`${at}cwd`, `must be an absolute path, not ${quote(process.cwd)}`)
  if (process.args.length === 0) report(`${at}args`, 'must have at least one entry')
  checkEnv(process.env, `${at}env`, report)
  checkRlimits(process, `${at}rlimits`, report)
  warnOfCapabilities(process, `${at}capabilities`, warn)
  const { oomScoreAdj = 0, user, scheduler, ioPriority, execCPUAffinity } = process
  if (Math.abs(oomScoreAdj) > 1000) {
    report(`${at}oomScoreAdj`, `must be from -1000 to 1000, not ${oomScoreAdj}`)
  }
  if (user.umask !== undefined && user.umask > 0o777) {
    report(`${at}user.umask`, `must be at most 511 (octal 777), not ${user.umask}`)
  }
  if (scheduler !== undefined) checkScheduler(scheduler, `${at}scheduler`, report)
  if (ioPriority !== undefined && (ioPriority.priority < 0 || ioPriority.priority > 7)) {
    report(`${at}ioPriority.priority`, `must be from 0 to 7, not ${ioPriority.priority}`)
  }
  for (const name of ['initial', 'final'] as const) {
    const list = execCPUAffinity[name]
    if (list === undefined || parseIdList(list) !== undefined) continue
    report(`${at}execCPUAffinity.${name}`, `must be a list of CPUs such as 0-3,7, not ${quote(list)}`)
  }
}

function checkEnv(env: readonly string[], path: string, report: Report): void {
  for (let i = 0; i < env.length; i++) {
    const entry = env[i] as string
    if (entry.indexOf('=') < 1) report(`${path}[${i}]`, `must have the form NAME=value, not ${quote(entry)}`)
  }
}

function checkRlimits({ rlimits }: Process, path: string, report: Report): void {
  for (const [i, { type, soft, hard }] of rlimits.entries()) {
    if (!rlimitNames.includes(type))
      report(`${path}[${i}].type`, `unknown resource ${quote(type)}`, suggest(type, rlimitNames))
    const other = rlimits.findIndex((rlimit) => rlimit.type === type)
    if (other < i) report(`${path}[${i}].type`, `${type} is already limited by ${path}[${other}]`)
    if (soft > hard) report(`${path}[${i}].soft`, `${soft} is above the hard limit, ${hard}`)
  }
}

/** Also in lower case, as in crun. */
export const isCapability = (name: string): boolean =>
  capabilityNames.includes(name) || capabilityNames.includes(name.toUpperCase())

/** All names have it: it does not make two of them more alike. */

/** Unknown names are warnings: "Any value which cannot be mapped … MUST be logged as a warning". */
function warnOfCapabilities({ capabilities }: Process, path: string, warn: Report): void {
  if (capabilities === undefined) return
  for (const set of capabilitySets) {
    const names = capabilities[set]
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string
      if (isCapability(name)) continue
      warn(`${path}.${set}[${i}]`, `unknown capability ${quote(name)} is left out`, suggest(name, capabilityNames))
    }
  }
}
