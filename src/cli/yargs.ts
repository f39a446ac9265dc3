// yargs for the command table, on both hosts. Its shim has no process, file system and locale: the program's own parser
// reads command lines (parse.ts says why), yargs renders pages.

import { cliui } from 'yargs-cliui'
import { type Yargs, YargsFactory } from 'yargs-factory'
import Parser from 'yargs-parser-core'
import type { Flag } from './command-table.ts'
import { wrap } from './wrap.ts'

const stringWidth = (text: string): number => text.length
const stripAnsi = (text: string): string => text
const unchanged = (text: string): string => text
const nothing = (): undefined => undefined

/** yargs' texts; its heading has runc's form. */
const translate = (text: string, ...values: readonly unknown[]): string =>
  values.reduce<string>((line, value) => line.replace('%s', String(value)), text === 'Commands:' ? 'COMMANDS:' : text)

const shim = {
  assert: { strictEqual: nothing, notStrictEqual: nothing },
  cliui: (options: object) => cliui(options, { stringWidth, stripAnsi, wrap }),
  findUp: nothing,
  getEnv: nothing,
  getProcessArgvBin: () => '',
  inspect: String,
  mainFilename: '',
  Parser,
  path: { basename: unchanged, dirname: unchanged, extname: () => '', relative: unchanged, join: unchanged },
  process: { argv: () => [''], cwd: () => '', emitWarning: nothing, execPath: () => '', exit: nothing, stdColumns: 80 },
  readFileSync: () => '{}',
  stringWidth,
  y18n: {
    __: translate,
    __n: (one: string, many: string, count: number, ...values: readonly unknown[]) =>
      translate(count === 1 ? one : many, ...values),
    getLocale: () => 'en',
    setLocale: nothing,
    updateLocale: nothing,
  },
}

const create = YargsFactory(shim)

/** As near to Go's flag package as yargs comes. */
const parserConfiguration = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
} as const

/** yargs with flags of the table, below that heading; `nameOf` gives the name of each. */
export function yargsOf(flags: readonly Flag[], title: string, nameOf: (flag: Flag) => string): Yargs {
  const yargs = create([], '')
    .scriptName('')
    .help(false)
    .version(false)
    .exitProcess(false)
    .parserConfiguration(parserConfiguration)
    .usageConfiguration({ 'hide-types': true })
  for (const flag of flags) yargs.option(nameOf(flag), optionOf(flag))
  return yargs.group(flags.map(nameOf), `${title}:`)
}

function optionOf({ alias, type, description, default: initial, choices }: Flag): Readonly<Record<string, unknown>> {
  return {
    ...(alias !== undefined && { alias }),
    ...(type === 'strings' ? { type: 'string', array: true, nargs: 1 } : { type: type === 'number' ? 'string' : type }),
    ...(type !== 'boolean' && type !== 'strings' && { nargs: 1 }),
    ...(choices !== undefined && { choices }),
    description: initial === undefined ? description : `${description} (default: ${initial})`,
  }
}
