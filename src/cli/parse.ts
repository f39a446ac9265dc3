// Parses arguments by the table, with the rules of Go's flag package as runc uses it: one dash or two, `--flag value`
// or `--flag=value`, booleans only with `=`, no combined short flags, `--` ends the flags. Global flags precede the
// command. yargs renders the help of the same table (yargs.ts, whose test holds both to it), but does not read command lines: to it
// `--force true` is one flag with a value, where Go has a flag and an id, and a flag that begins with dashes is no value;
// and each call of yargs-parser takes 1.5 million instructions in QuickJS, where all of `state` takes 0.35 million.

import {
  type Command,
  type CommandName,
  commandTable,
  type Flag,
  type GlobalFlags,
  globalFlags,
  helpFlag,
} from './command-table.ts'
import { absentValue, invalidValue, readValue, type Value } from './flag-values.ts'

export type Values = { readonly [name: string]: Value }

export type CommandLine =
  | {
      readonly kind: 'command'
      readonly globals: GlobalFlags
      readonly command: CommandName
      readonly flags: Values
      readonly positionals: readonly string[]
    }
  /** `topic` undefined: the program as a whole. */
  | { readonly kind: 'help'; readonly topic: string | undefined; readonly globals: GlobalFlags }
  | { readonly kind: 'version'; readonly globals: GlobalFlags }
  | { readonly kind: 'usage'; readonly problem: UsageProblem; readonly globals: GlobalFlags }

/** An error in a command line. `unknown` is the word that is no flag or command, as typed; `rest` what follows it. */
export interface UsageProblem {
  readonly message: string
  readonly command: CommandName | undefined
  readonly unknown?: string
  readonly rest?: readonly string[]
}

export interface FlagSet {
  readonly byName: ReadonlyMap<string, Flag>
  /** The prototype of every result, with the values of flags that are not given. */
  readonly absent: Values
  readonly order: Command['flagOrder']
}

// Created when the module is evaluated: for the static program that is at build time.
export const globalSet = flagSet(globalFlags, 'first')
export const commandSets: ReadonlyMap<string, FlagSet> = new Map(
  Object.entries(commandTable).map(([name, { flags, flagOrder }]) => [name, flagSet([...flags, helpFlag], flagOrder)]),
)

function flagSet(flags: readonly Flag[], order: Command['flagOrder']): FlagSet {
  const byName = new Map<string, Flag>()
  const absent: { [name: string]: Value } = {}
  for (const flag of flags) {
    byName.set(flag.name, flag)
    if (flag.alias !== undefined) byName.set(flag.alias, flag)
    absent[flag.name] = absentValue(flag)
  }
  return { byName, absent, order }
}

/** Never throws: an error is a result, because it is reported differently from a command's failure. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const before = parseFlags(argv, globalSet)
  const globals = before.values as unknown as GlobalFlags
  if (before.problem) return { kind: 'usage', problem: { ...before.problem, command: undefined }, globals }
  if (globals.version) return { kind: 'version', globals }
  const [name, ...rest] = before.positionals
  if (globals.help || name === undefined) return { kind: 'help', topic: name, globals }
  if (name === 'help' || name === 'h') return { kind: 'help', topic: rest[0], globals }
  if (!isCommand(name)) return notACommand(name, rest, globals)
  return parseCommand(name, rest, globals)
}

export function isCommand(name: string): name is CommandName {
  return commandSets.has(name)
}

function notACommand(name: string, rest: readonly string[], globals: GlobalFlags): CommandLine {
  if (rest.some((word) => word === '-h' || word === '--help')) return { kind: 'help', topic: name, globals }
  const message = `unknown command '${name}'`
  return { kind: 'usage', problem: { message, command: undefined, unknown: name }, globals }
}

function parseCommand(command: CommandName, argv: readonly string[], globals: GlobalFlags): CommandLine {
  const { values, positionals, problem } = parseFlags(argv, commandSets.get(command) as FlagSet)
  if (values.help === true) return { kind: 'help', topic: command, globals }
  if (problem) return { kind: 'usage', problem: { ...problem, command }, globals }
  const [least, most] = commandTable[command].count
  if (positionals.length < least || positionals.length > most) {
    return { kind: 'usage', problem: { message: countMessage(command, positionals), command }, globals }
  }
  return { kind: 'command', globals, command, flags: values, positionals }
}

/** `usage` of the table names the arguments. */
function countMessage(command: CommandName, positionals: readonly string[]): string {
  const { usage, count }: Command = commandTable[command]
  if (positionals.length < count[0]) return `"${command}" requires a ${usage.replace(/^<|>.*$/g, '').replace('-', ' ')}`
  const extra = positionals[count[1]]
  return `unexpected argument ${JSON.stringify(extra)}: "${command}" takes ${usage === '' ? 'none' : usage}`
}

export interface Parsed {
  readonly values: Values
  readonly positionals: readonly string[]
  readonly problem: Omit<UsageProblem, 'command'> | undefined
  /** No later word can be a flag. */
  readonly ended: boolean
  /** The last word is a flag that needs a value. */
  readonly pending?: Flag
}

/** Parses the flags of one list, up to the first problem. */
export function parseFlags(argv: readonly string[], { byName, absent, order }: FlagSet): Parsed {
  const values: { [name: string]: Value } = Object.create(absent)
  const positionals: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (word === '--') return ended(values, [...positionals, ...argv.slice(i + 1)])
    if (word[0] !== '-' || word === '-') {
      if (order === 'first') return ended(values, argv.slice(i))
      positionals.push(word)
      continue
    }
    const { name, typed, inline } = splitFlag(word)
    const flag = byName.get(name)
    if (flag === undefined) return failed(values, unknownFlag(typed, inline, argv.slice(i + 1)))
    // A boolean takes no separate value: the next word would be the id.
    const text = inline ?? (flag.type === 'boolean' ? 'true' : argv[++i])
    if (text === undefined)
      return { ...failed(values, { message: `flag needs an argument: ${typed} ${flag.value}` }), pending: flag }
    const value = readValue(flag, text, values[flag.name])
    if (value === undefined) return failed(values, { message: invalidValue(flag, typed, text) })
    values[flag.name] = value
  }
  return { values, positionals, problem: undefined, ended: false }
}

const ended = (values: Values, positionals: readonly string[]): Parsed => ({
  values,
  positionals,
  problem: undefined,
  ended: true,
})
const failed = (values: Values, problem: Parsed['problem']): Parsed => ({
  values,
  positionals: [],
  problem,
  ended: false,
})

/** Go's words. */
const unknownFlag = (typed: string, inline: string | undefined, rest: readonly string[]) => ({
  message: `flag provided but not defined: ${typed}`,
  unknown: typed,
  rest: inline === undefined ? rest : [inline, ...rest],
})

/** The number of dashes that begin a flag: 1 or 2; 0 for another word. */
export const dashes = (word: string): number => (word[0] !== '-' ? 0 : word[1] === '-' ? 2 : 1)

interface FlagWord {
  readonly name: string
  /** With the dashes that the user typed. */
  readonly typed: string
  readonly inline: string | undefined
}

export function splitFlag(word: string): FlagWord {
  const start = dashes(word)
  const equals = word.indexOf('=')
  if (equals < 0) return { name: word.slice(start), typed: word, inline: undefined }
  return { name: word.slice(start, equals), typed: word.slice(0, equals), inline: word.slice(equals + 1) }
}
