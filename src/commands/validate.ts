// validate: reports all problems of a config with their paths, and likely mistakes: unknown members and duplicate keys.
// Changes nothing. Unknown members are not errors, here and elsewhere (config.md "Extensibility").

import { type Run, STDOUT } from '../cli/context.ts'
import { parseConfig, validateConfig } from '../config/parse-config.ts'
import { formatProblem, type Problem, RuntError } from '../errors.ts'
import { type Bundle, openBundle, seccompReceiver } from '../launch/load-bundle.ts'
import type { Native } from '../native.ts'
import { checkFilter } from '../plan/check-filter.ts'
import { hostFacts } from '../plan/host-facts.ts'

export const validate: Run<'validate'> = ({ native }, { format }, [path]) => {
  const bundle = openBundle(native, path)
  const { problems, warnings } = check(native, bundle)
  if (format === 'json') {
    native.write(STDOUT, `${JSON.stringify({ problems, warnings })}\n`)
  } else {
    const lines = [...problems.map(formatProblem), ...warnings.map((warning) => `warning: ${formatProblem(warning)}`)]
    native.write(STDOUT, lines.map((line) => `${line}\n`).join(''))
  }
  return problems.length === 0 ? 0 : 1
}

interface Findings {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

function check(native: Native, { configText, configPath }: Bundle): Findings {
  try {
    const { problems, warnings } = validateConfig(configText, configPath)
    if (problems.length > 0) return { problems, warnings }
    const { config } = parseConfig(configText, configPath, seccompReceiver(native))
    const filter = checkFilter(config, hostFacts(native.probe()).arch)
    return { problems: filter.problems, warnings: [...warnings, ...filter.warnings] }
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
    return { problems: error.problems ?? [{ path: error.path ?? '', message: error.message }], warnings: [] }
  }
}
