// Chooses the hint of a failure: the most specific entry, by property of the config, then type of the mount, then operation.

import { attempt } from '../errors.ts'
import type { StepReport } from '../native.ts'
import type { Explain } from '../plan/describe.ts'
import type { Step } from '../steps/launch-plan.ts'
import { cgroupHints, cgroupPropertyHints } from './cgroups.ts'
import type { Failure, Hints } from './failure.ts'
import { hookHints } from './hooks.ts'
import { mountHints, mountTypeHints } from './mounts.ts'
import { pathHints } from './paths.ts'
import { anywhereHints, processHints, processPropertyHints } from './process.ts'
import { programHints } from './program.ts'
import { securityHints, securityPropertyHints } from './security.ts'
import { userHints } from './users.ts'

const hints: Hints = {
  ...anywhereHints,
  ...programHints,
  ...hookHints,
  ...mountHints,
  ...pathHints,
  ...userHints,
  ...processHints,
  ...cgroupHints,
  ...securityHints,
  ...processPropertyHints,
  ...cgroupPropertyHints,
  ...securityPropertyHints,
}

/** The operation, with its argument if that tells more than the name of the call. */
function operationOf(step: Step): string {
  if (step.op === 'mount_setattr' && step.userns !== undefined) return 'idmap'
  if (step.op === 'mount_setattr' && step.path === '/') return 'cut'
  return step.op === 'fsconfig' && (step.key === 'lowerdir+' || step.key === 'datadir+') ? 'layer' : step.op
}

const setsLabel = (step: Step): boolean =>
  (step.op === 'fsconfig' && step.key === 'context') || (step.op === 'setxattr' && step.name === 'security.selinux')

/** `linux.resources.cpu.cpus`, `linux.namespaces`: without index and object; of a sysctl without its name. */
function propertyOf(step: Step): string {
  if (setsLabel(step)) return 'linux.mountLabel'
  return step.from.startsWith('linux.sysctl.') ? 'linux.sysctl' : step.from.replace(/[[(].*/s, '').trim()
}

/** What is known of the failed launch beside the step and its errno. */
export type Scene = Omit<Failure, 'step' | 'code' | 'detail'>

/** Finds hints for failures of this plan. A fault of a hint must not hide the failure. */
export function explainer(scene: Scene): Explain {
  return (step: Step, { code, detail }: StepReport): string | undefined => {
    const type = /\((\w+) at /.exec(step.from)?.[1]
    const failure: Failure = { ...scene, step, code, detail }
    const entries = [
      hints[`${propertyOf(step)} ${code}`],
      mountTypeHints[`${type} ${code}`],
      hints[`${operationOf(step)} ${code}`],
      hints[code],
    ]
    for (const entry of entries) {
      const text = typeof entry === 'function' ? attempt(() => entry(failure)) : entry
      if (text !== undefined) return text.replaceAll('\n', ' ')
    }
    return undefined
  }
}
