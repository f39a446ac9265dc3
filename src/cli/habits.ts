// Words of other programs (docker, podman, kill(1)) that are no commands or flags of runt, and what to write instead.

import { type Command, type CommandName, commandTable, type Flag, globalFlags } from './command-table.ts'
import { dashes, type UsageProblem } from './parse.ts'

/** Commands of engines. */
const commandHabits: { readonly [word: string]: CommandName | '--version' } = {
  rm: 'delete',
  remove: 'delete',
  stop: 'kill',
  inspect: 'state',
  top: 'ps',
  ls: 'list',
  unpause: 'resume',
  version: '--version',
}

const INPUT = 'standard input is always attached'
const interactive = ['it', 'ti', 'i', 'interactive']

/** What to do instead of the unknown word; undefined: it is not a habit, but perhaps a typing error. */
export function habit({ command, unknown = '', rest = [] }: UsageProblem, program: string): string | undefined {
  const name = unknown.slice(dashes(unknown))
  if (name === unknown) return commandHabit(name)
  if (command === undefined) return globalHabit(name, program)
  return flagHabit(command, name, rest, program) ?? misplaced(command, name, program) ?? combined(command, unknown)
}

function commandHabit(name: string): string | undefined {
  if (name === 'logs') return 'there are no logs: a container writes to the standard output of "run" or "create"'
  return Object.hasOwn(commandHabits, name) ? `did you mean ${commandHabits[name]}?` : undefined
}

function globalHabit(name: string, program: string): string | undefined {
  if (name === 'V') return 'did you mean --version?'
  if (name.length === 1) return undefined
  const commands = Object.entries(commandTable).filter(([, { flags }]) => find(flags, name))
  const [first] = commands
  if (first === undefined) return undefined
  const of = commands.length === 1 ? `a flag of "${first[0]}"` : 'a flag of commands'
  return `--${name} is ${of}: it goes after the command, as in "${program} ${first[0]} --${name}"`
}

function flagHabit(command: CommandName, name: string, rest: readonly string[], program: string): string | undefined {
  if (command === 'kill') return signalHabit(name, rest, program)
  if (command === 'ps') return 'options of ps(1) follow the container id'
  if (command === 'exec' && interactive.includes(name)) return `use -t for a terminal; ${INPUT}`
  if (command !== 'run' && command !== 'create') return undefined
  if (interactive.includes(name) || name === 't' || name === 'tty')
    return `process.terminal in config.json selects a terminal; ${INPUT}`
  if (name === 'rm') return '"run" deletes the container when it ends, unless --keep is given'
  return name === 'name' ? 'the name is the argument, the container id' : undefined
}

/** `kill -9 ID`, `kill -KILL ID`, `kill -s TERM ID`. */
function signalHabit(name: string, rest: readonly string[], program: string): string | undefined {
  const isNamed = name === 's' || name === 'signal'
  const signal = isNamed ? rest[0] : name
  if (!isNamed && !/^(\d{1,2}|[A-Z][A-Z0-9]+)$/.test(name)) return undefined
  return `the signal follows the container id: ${program} kill <container-id> ${signal ?? 'TERM'}`
}

function misplaced(command: CommandName, name: string, program: string): string | undefined {
  if (name.length === 1 || find(globalFlags, name) === undefined) return undefined
  return `--${name} is a global flag: it goes before the command, as in "${program} --${name} … ${command}"`
}

/** `-dt` for `-d -t`. */
function combined(command: CommandName, unknown: string): string | undefined {
  const letters = [...unknown.slice(1)]
  const { flags }: Command = commandTable[command]
  if (letters.length < 2 || !letters.every((letter) => find(flags, letter))) return undefined
  return `short flags are not combined: ${letters.map((letter) => `-${letter}`).join(' ')}`
}

const find = (flags: readonly Flag[], name: string): Flag | undefined =>
  flags.find((flag) => flag.name === name || flag.alias === name)
