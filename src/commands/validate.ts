// validate: reports all problems of a config with their places, those that this host would make among them, and likely
// mistakes: unknown properties and duplicate keys. Changes nothing. Unknown properties are not errors, here and elsewhere (config.md "Extensibility").

import { type Run, STDOUT } from '../cli/context.ts'
import { RuntError } from '../errors.ts'
import { openSource } from '../launch/open-source.ts'
import { findProblems } from '../validate/find-problems.ts'
import { formatFindings } from '../validate/findings.ts'

export const validate: Run<'validate'> = (context, { bundle, format, host, 'no-host': noHost }, [given]) => {
  const { native } = context
  if (host && noHost) throw new RuntError('usage', '--host and --no-host exclude each other')
  const source = openSource(native, given, bundle)
  const findings = findProblems(context, source, noHost ? 'text' : 'host')
  const { problems, warnings } = findings
  native.write(
    STDOUT,
    format === 'json' ? `${JSON.stringify({ problems, warnings })}\n` : formatFindings(findings, source.configPath),
  )
  return problems.length === 0 ? 0 : 1
}
