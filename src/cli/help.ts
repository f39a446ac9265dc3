// Help pages in runc's form, rendered by yargs from the table.

import type { Yargs } from 'yargs-factory'
import { type Command, type CommandName, commandTable, type Flag, globalFlags, helpFlag } from './command-table.ts'
import { isCommand } from './parse.ts'
import { versionText } from './version.ts'
import { yargsOf } from './yargs.ts'

/** Where the output is no terminal. */
const WIDTH = 80
/** On a narrower terminal lines wrap anyway. */
const NARROWEST = 40
/** yargs'. */
const INDENT = '  '

/** The page of a command, or of the whole program if topic is undefined; undefined if there is no such command. */
export function helpPage(topic: string | undefined, program: string, columns = WIDTH): string | undefined {
  const width = Math.max(columns, NARROWEST)
  if (topic === undefined || topic === 'help') return programPage(program, width)
  return isCommand(topic) ? commandPage(topic, program, width) : undefined
}

function programPage(program: string, width: number): string {
  const version = versionText(program).replace(/^\S+ version /, '')
  const yargs = yargsOf(globalFlags, 'GLOBAL OPTIONS', flagName).usage(
    sections([
      ['NAME', `${program} - Open Container Initiative runtime`],
      ['USAGE', `${program} [global options] command [command options] [arguments...]`],
      [
        '',
        `Runs containers from bundles: directories with a config.json and a root file system, as the OCI runtime \
specification describes them. To run one:

    # ${program} run [ -b bundle ] <container-id>

The id is your name for the container; the bundle is the current directory where it is not given.`,
      ],
      ['VERSION', version.trimEnd()],
    ]),
  )
  for (const [name, { summary }] of Object.entries(commandTable)) yargs.command(name, summary)
  yargs.command('help, h', 'show a list of commands, or help for one command')
  return rendered(yargs, width)
}

function commandPage(name: CommandName, program: string, width: number): string {
  const command: Command = commandTable[name]
  const yargs = yargsOf([...command.flags, helpFlag], 'OPTIONS', flagName).usage(
    sections([
      ['NAME', `${program} ${name} - ${command.summary}`],
      ['USAGE', `${program} ${name} [command options] ${command.usage}`.trimEnd()],
      ['DESCRIPTION', command.description.replaceAll('\n', ' ')],
    ]),
  )
  return rendered(yargs, width)
}

function rendered(yargs: Yargs, width: number): string {
  let page = ''
  yargs.wrap(width).showHelp((text) => {
    page = text
  })
  return `${page}\n`
}

const sections = (all: readonly (readonly [title: string, text: string])[]): string =>
  all.map(([title, text]) => `${title === '' ? '' : `${title}:\n`}${text.replaceAll(/^(?=.)/gm, INDENT)}`).join('\n\n')

/** `bundle DIR`: yargs shows it as `-b, --bundle DIR`. */
const flagName = ({ name, value }: Flag): string => (value === undefined ? name : `${name} ${value}`)
