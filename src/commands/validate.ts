// validate: every problem of a config at once, with its path, and what is probably a mistake: members that nothing knows, keys
// that occur twice. Nothing is changed. Unknown members are no error, here and elsewhere (config.md "Extensibility").

import { validateConfig } from '../config/parse-config.ts'
import { formatProblem, type Problem, RuntError } from '../errors.ts'
import { type Run, STDOUT } from './context.ts'
import { openBundle } from './load-bundle.ts'

export const validate: Run<'validate'> = ({ native }, { format }, [path]) => {
  const bundle = openBundle(native, path)
  const { problems, warnings } = check(bundle.configText, bundle.configPath)
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

function check(text: string, source: string): Findings {
  try {
    return validateConfig(text, source)
  } catch (error) {
    if (!(error instanceof RuntError)) throw error
    return { problems: error.problems ?? [{ path: error.path ?? '', message: error.message }], warnings: [] }
  }
}
