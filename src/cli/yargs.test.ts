/* yargs and the program's own parser read the same table alike, and differ where parse.ts says. */
import t from 'tap'
import { commandTable, type Flag, globalFlags, helpFlag } from './command-table.ts'
import { commandSets, type FlagSet, globalSet, parseFlags } from './parse.ts'
import { yargsOf } from './yargs.ts'

const lists: readonly (readonly [string, readonly Flag[], FlagSet])[] = [
  ['global', globalFlags, globalSet],
  ...Object.entries(commandTable).map(
    ([name, { flags }]) => [name, [...flags, helpFlag], commandSets.get(name) as FlagSet] as const,
  ),
]

interface Read {
  readonly values: Readonly<Record<string, unknown>>
  readonly failed: boolean
}

function byYargs(flags: readonly Flag[], argv: readonly string[]): Read {
  let read: Read = { values: {}, failed: true }
  yargsOf(flags, 'OPTIONS', ({ name }) => name)
    .strictOptions()
    .parse(argv, {}, (error, values) => {
      read = { values, failed: error !== undefined && error !== null }
    })
  return read
}

function byParser(set: FlagSet, argv: readonly string[]): Read {
  const { values, problem } = parseFlags(argv, set)
  return { values, failed: problem !== undefined }
}

/** Command lines with one flag, in all spellings that both know. */
function spellings({ name, alias, type, choices }: Flag): readonly (readonly string[])[] {
  const words = [`--${name}`, `-${name}`, ...(alias === undefined ? [] : [`-${alias}`, `--${alias}`])]
  const value = choices?.[0] ?? (type === 'number' ? '7' : 'a=b')
  return words.flatMap((word) =>
    type === 'boolean'
      ? [[word], [`${word}=true`], [`${word}=false`]]
      : [[word, value], [`${word}=${value}`], ...(type === 'strings' ? [[word, value, `${word}=c`, word, 'd']] : [])],
  )
}

const same = (flag: Flag, yargs: unknown, own: unknown): boolean =>
  flag.type === 'number' ? Number(yargs) === own : JSON.stringify(yargs) === JSON.stringify(own)

for (const [name, flags, set] of lists) {
  t.test(`${name}: every flag, in every spelling`, async (t) => {
    for (const flag of flags)
      for (const argv of spellings(flag)) {
        const [yargs, own] = [byYargs(flags, argv), byParser(set, argv)]
        t.notOk(yargs.failed || own.failed, argv.join(' '))
        t.ok(same(flag, yargs.values[flag.name], own.values[flag.name]), `${argv.join(' ')}: the same value`)
      }
  })

  t.test(`${name}: other words are refused`, async (t) => {
    const wrong = flags.filter(({ choices }) => choices).map((flag) => [`--${flag.name}`, 'nosuch'])
    for (const argv of [['--nosuch'], ['-nosuch'], ['--nosuch=x'], ...wrong]) {
      t.ok(byYargs(flags, argv).failed, `yargs: ${argv.join(' ')}`)
      t.ok(byParser(set, argv).failed, `parser: ${argv.join(' ')}`)
    }
  })
}

t.test('why yargs does not read command lines', async (t) => {
  const { flags } = commandTable.delete
  const own = commandSets.get('delete') as FlagSet
  t.same(byYargs(flags, ['--force', 'true']).values._, [], 'it takes the id for the value of a boolean')
  t.same(parseFlags(['--force', 'true'], own).positionals, ['true'])
  const { flags: run } = commandTable.run
  t.equal(byYargs(run, ['--pid-file', '--keep']).values['pid-file'], undefined)
  t.equal(
    parseFlags(['--pid-file', '--keep'], commandSets.get('run') as FlagSet).values['pid-file'],
    '--keep',
    'Go’s rule',
  )
})
