// seccomp (config-linux.md "Seccomp"): compiled by seccomp-bpf-js, loaded by one step. When it is loaded depends on no_new_privs and is
// decided in steps.ts.

import { compileSeccomp } from 'seccomp-bpf-js'
import { formatProblems, RuntError } from '../errors.ts'
import type { ProcessContext } from './context.ts'
import type { Step } from './launch-plan.ts'

export interface SeccompSteps {
  readonly load: readonly Step[]
  readonly warnings: readonly string[]
}

export function seccompSteps({ linux, facts }: ProcessContext): SeccompSteps {
  if (linux.seccomp === undefined) return { load: [], warnings: [] }
  const result = compileSeccomp(linux.seccomp, { arch: facts.arch })
  if (!('filter' in result))
    throw new RuntError('config', formatProblems(result.problems), { path: 'linux.seccomp', problems: result.problems })
  if (result.listener)
    throw new RuntError('config', 'linux.seccomp.listenerPath: seccomp notification is not supported yet')
  return {
    load: [{ op: 'seccomp', from: 'linux.seccomp', filter: result.filter, flags: result.flags }],
    warnings: result.warnings,
  }
}
