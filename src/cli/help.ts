// Help pages, in runc's form.

import { type Command, type CommandName, commandTable, type Flag, globalFlags } from './command-table.ts'
import { isCommand } from './parse.ts'
import { versionText } from './version.ts'

const helpFlag: Flag = { name: 'help', alias: 'h', type: 'boolean', description: 'show help' }

/** The page of a command, or of the whole program if topic is undefined; undefined if there is no such command. */
export function helpPage(topic: string | undefined, program: string): string | undefined {
  if (topic === undefined || topic === 'help') return programPage(program)
  return isCommand(topic) ? commandPage(topic, program) : undefined
}

function programPage(program: string): string {
  const commands = Object.entries(commandTable).map(([name, command]): readonly [string, string] => [
    name,
    command.summary,
  ])
  return page([
    ['NAME', [`${program} - Open Container Initiative runtime`]],
    ['USAGE', [`${program} [global options] command [command options] [arguments...]`]],
    [
      '',
      [
        'Runs containers from bundles: directories with a config.json and a root file system, as the OCI',
        'runtime specification describes them. To run one:',
        '',
        `    # ${program} run [ -b bundle ] <container-id>`,
        '',
        'The id is your name for the container; the bundle is the current directory where it is not given.',
      ],
    ],
    [
      'VERSION',
      versionText(program)
        .replace(/^\S+ version /, '')
        .split('\n')
        .filter(Boolean),
    ],
    ['COMMANDS', columns([...commands, ['help, h', 'show a list of commands, or help for one command']])],
    ['GLOBAL OPTIONS', flagLines(globalFlags)],
  ])
}

function commandPage(name: CommandName, program: string): string {
  const command: Command = commandTable[name]
  return page([
    ['NAME', [`${program} ${name} - ${command.summary}`]],
    ['USAGE', [`${program} ${name} [command options] ${command.usage}`.trimEnd()]],
    ['DESCRIPTION', command.description.split('\n')],
    ['OPTIONS', flagLines([...command.flags, helpFlag])],
  ])
}

function page(sections: readonly (readonly [title: string, lines: readonly string[]])[]): string {
  return sections
    .map(
      ([title, lines]) => (title === '' ? '' : `${title}:\n`) + lines.map((line) => `   ${line}`.trimEnd()).join('\n'),
    )
    .join('\n\n')
    .concat('\n')
}

function flagLines(flags: readonly Flag[]): readonly string[] {
  return columns(flags.map((flag) => [flagNames(flag), flagDescription(flag)]))
}

/** `--bundle DIR, -b DIR`. */
export function flagNames(flag: Flag): string {
  const value = flag.value === undefined ? '' : ` ${flag.value}`
  return `--${flag.name}${value}${flag.alias === undefined ? '' : `, -${flag.alias}${value}`}`
}

export function flagDescription(flag: Flag): string {
  return flag.default === undefined ? flag.description : `${flag.description} (default: ${flag.default})`
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => left.padEnd(width) + right)
}
