// hooks of the host: programs that are missing or cannot be executed. `run` goes on if a poststop hook fails.

import { quote } from '../config/rule.ts'
import { errnoOf, errnoPhrase } from '../errno.ts'
import type { Native } from '../native.ts'
import type { HostCheck } from './check.ts'

export const checkHostHooks: HostCheck = ({ native, config, report, warn }) => {
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const)
    for (const [i, { path }] of config.hooks[kind].entries()) {
      const problem = whyNotExecutable(native, path)
      const say = kind === 'poststop' ? warn : report
      if (problem !== undefined) say(`hooks.${kind}[${i}].path`, `${quote(path)}: ${problem}`)
    }
}

function whyNotExecutable(native: Native, path: string): string | undefined {
  try {
    const status = native.status(native.realpath(path))
    if (status?.kind !== 'file') return 'is not a file'
    return (status.mode & 0o111) === 0 ? 'is not executable' : undefined
  } catch (error) {
    return errnoPhrase(errnoOf(error) ?? 'ENOENT')
  }
}
