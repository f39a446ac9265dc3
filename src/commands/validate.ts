// validate: reports all problems of a config with their places, and likely mistakes: unknown properties and duplicate
// keys. Changes nothing. Unknown properties are not errors, here and elsewhere (config.md "Extensibility").

import { type Run, STDOUT } from '../cli/context.ts'
import { openSource } from '../launch/open-source.ts'
import { findProblems } from '../validate/find-problems.ts'
import { formatFindings } from '../validate/findings.ts'

export const validate: Run<'validate'> = ({ native }, { bundle, format }, [given]) => {
  const source = openSource(native, given, bundle)
  const findings = findProblems(native, source)
  const { problems, warnings } = findings
  native.write(
    STDOUT,
    format === 'json' ? `${JSON.stringify({ problems, warnings })}\n` : formatFindings(findings, source.configPath),
  )
  return problems.length === 0 ? 0 : 1
}
