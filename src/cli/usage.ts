// Usage errors: what is missing or wrong, what was probably meant, and where to find help.

import { suggest } from '../suggest.ts'
import { commandTable, type Flag, globalFlags } from './command-table.ts'
import { habit } from './habits.ts'
import { dashes, type UsageProblem } from './parse.ts'

/** Shorter words are like too many others. */
const SHORTEST = 3

export function usageText(
  problem: UsageProblem,
  program: string,
): { readonly problem: string; readonly advice: string } {
  const { command, message } = problem
  const hint = habit(problem, program) ?? suggestion(problem)
  const called = command === undefined ? program : `${program} ${command}`
  return {
    problem: `${called}: ${message}${hint === undefined ? '' : `; ${hint}`}`,
    advice: `Run '${called} --help' for usage.\n`,
  }
}

/** The message for a topic without a page. */
export function unknownTopic(topic: string, program: string): string {
  const { problem } = usageText(
    { message: `No help topic for '${topic}'`, command: undefined, unknown: topic },
    program,
  )
  return problem.slice(`${program}: `.length)
}

function suggestion({ command, unknown = '' }: UsageProblem): string | undefined {
  const start = dashes(unknown)
  const name = unknown.slice(start)
  if (name.length < SHORTEST) return undefined
  const flags: readonly Flag[] = command === undefined ? globalFlags : commandTable[command].flags
  const meant = suggest(name, start === 0 ? Object.keys(commandTable) : flags.map((flag) => flag.name))
  return meant === undefined ? undefined : `did you mean ${start === 0 ? '' : '--'}${meant}?`
}
