// What completion offers for the last word of a command line, from the table of commands. Pure: commands/completion.ts finds
// the ids, the files are left to the shell.

import {
  type Command,
  type CommandName,
  commandTable,
  type Flag,
  type GlobalFlags,
  globalFlags,
  helpFlag,
  type Offer,
} from './command-table.ts'
import { commandSets, type FlagSet, globalSet, isCommand, parseFlags, splitFlag } from './parse.ts'

/** A word, and what it means. */
export type Candidate = readonly [word: string, description: string]

export interface Completion {
  readonly globals: GlobalFlags
  readonly offer: { readonly candidates: readonly Candidate[] } | Offer
  /** Begins every candidate: "--root=" where the value is in the same word; what is typed follows it. */
  readonly prefix: string
  readonly typed: string
}

const NOTHING: Offer = { words: [] }

export function complete(words: readonly string[]): Completion {
  const before = words.slice(0, -1)
  const last = words.at(-1) ?? ''
  const { values, positionals, problem, pending } = parseFlags(before, globalSet)
  const globals = values as unknown as GlobalFlags
  const whole = (offer: Completion['offer']): Completion => ({ globals, offer, prefix: '', typed: last })
  if (pending !== undefined) return whole(offerOf(pending))
  if (problem !== undefined) return whole(NOTHING)
  const [command, ...rest] = positionals
  if (command === undefined)
    return { globals, ...(flagWord(last, globalSet, globalFlags) ?? whole({ candidates: commandNames() })) }
  if (command === 'help' || command === 'h') return whole(rest.length === 0 ? { candidates: commandNames() } : NOTHING)
  return isCommand(command) ? { globals, ...argument(command, rest, last) } : whole(NOTHING)
}

type Word = Omit<Completion, 'globals'>

function argument(name: CommandName, before: readonly string[], last: string): Word {
  const command: Command = commandTable[name]
  const set = commandSets.get(name) as FlagSet
  const { positionals, problem, pending, ended } = parseFlags(before, set)
  const whole = (offer: Completion['offer']): Word => ({ offer, prefix: '', typed: last })
  if (pending !== undefined) return whole(offerOf(pending))
  if (problem !== undefined) return whole(NOTHING)
  const flags = ended ? undefined : flagWord(last, set, [...command.flags, helpFlag])
  return flags ?? whole(command.offers[Math.min(positionals.length, command.offers.length - 1)] ?? NOTHING)
}

/** Names of flags, or the value after "="; undefined: not the beginning of a flag. */
function flagWord(last: string, { byName }: FlagSet, flags: readonly Flag[]): Word | undefined {
  if (last[0] !== '-') return undefined
  const { name, typed, inline } = splitFlag(last)
  if (inline === undefined) return { offer: { candidates: flags.flatMap(flagNames) }, prefix: '', typed: last }
  const flag = byName.get(name)
  const offer = flag === undefined ? NOTHING : offerOf(flag)
  return { offer, prefix: `${typed}=`, typed: inline }
}

const flagNames = ({ name, alias, description }: Flag): readonly Candidate[] => [
  [`--${name}`, description],
  ...(alias === undefined ? [] : [[`-${alias}`, description] as const]),
]

const commandNames = (): readonly Candidate[] => [
  ...Object.entries(commandTable).map(([name, { summary }]) => [name, summary] as const),
  ['help', 'show a list of commands, or help for one command'],
]

function offerOf({ type, choices, offers, value }: Flag): Offer {
  if (offers !== undefined) return offers
  if (choices !== undefined) return { words: choices }
  if (type === 'boolean') return { words: ['true', 'false'] }
  if (value === 'DIR') return { files: 'directories' }
  return value === 'FILE' || value === 'SOCKET' ? { files: 'any' } : NOTHING
}
