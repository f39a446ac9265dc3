// All that is wrong with a bundle: the checks that need only the text, then those of this host.

import { type ValidatedConfig, validateConfig } from '../config/parse-config.ts'
import { type Problem, RuntError } from '../errors.ts'
import type { Bundle } from '../launch/load-bundle.ts'
import { seccompReceiver } from '../launch/load-bundle.ts'
import type { Native } from '../native.ts'
import { checkFilter } from '../plan/check-filter.ts'
import { hostFacts } from '../plan/host-facts.ts'
import { type Findings, locate } from './findings.ts'

export function findProblems(native: Native, { configText, configPath }: Bundle): Findings {
  const { problems, warnings } = check(native, configText, configPath)
  const input = { file: configPath, text: configText }
  return { problems: locate(problems, input), warnings: locate(warnings, input) }
}

function check(native: Native, text: string, source: string): { problems: Problem[]; warnings: Problem[] } {
  let validated: ValidatedConfig
  try {
    validated = validateConfig(text, source, seccompReceiver(native))
  } catch (error) {
    if (!(error instanceof RuntError) || error.problems === undefined) throw error
    return { problems: [...error.problems], warnings: [] }
  }
  const { config, problems, warnings } = validated
  if (config === undefined) return { problems, warnings }
  const filter = checkFilter(config, hostFacts(native.probe()).arch)
  return { problems: [...problems, ...filter.problems], warnings: [...warnings, ...filter.warnings] }
}
