import t from 'tap'
import { commandTable, type Flag, globalFlags } from './command-table.ts'
import { parseCommandLine } from './parse.ts'

const parse = (line: string) => parseCommandLine(line.split(' ').filter((word) => word !== ''))
const command = (line: string) => {
  const parsed = parse(line)
  if (parsed.kind !== 'command') throw new Error(`${line}: ${parsed.kind}`)
  return parsed
}
const problem = (line: string): string | undefined => {
  const parsed = parse(line)
  return parsed.kind === 'usage' ? parsed.problem.message : undefined
}

t.test('what containerd calls', async (t) => {
  const { globals, flags, positionals, ...rest } = command(
    '--root /run/containerd/runc/moby --log /b/log.json --log-format json --systemd-cgroup create --bundle /b --pid-file /b/init.pid --no-new-keyring cid',
  )
  t.match(rest, { command: 'create' })
  t.match(globals, {
    root: '/run/containerd/runc/moby',
    log: '/b/log.json',
    'log-format': 'json',
    'systemd-cgroup': true,
  })
  t.match(flags, { bundle: '/b', 'pid-file': '/b/init.pid', 'no-new-keyring': true, 'no-pivot': false })
  t.equal(flags['console-socket'], undefined)
  t.same(positionals, ['cid'])
})

t.test('one dash or two, with = or without', async (t) => {
  for (const line of [
    'run --no-subreaper x',
    'run -no-subreaper x',
    'run -no-subreaper=true x',
    'run x --no-subreaper',
  ]) {
    t.equal(command(line).flags['no-subreaper'], true, line)
  }
  for (const line of ['--root=/r list', '-root /r list', '-root=/r list'])
    t.equal(command(line).globals.root, '/r', line)
  t.equal(command('--rootless=true list').globals.rootless, 'true')
  t.equal(command('run -b= x').flags.bundle, '')
  t.equal(command('create -b a=b x').flags.bundle, 'a=b', 'only the first = counts')
  t.equal(command('delete --force=false x').flags.force, false)
  t.same(command('delete --force true').positionals, ['true'], 'a boolean takes no second word')
})

t.test('where flags end', async (t) => {
  t.same(command('delete -- -x').positionals, ['-x'])
  t.same(command('delete x --force').flags.force, true, 'flags may follow the id')
  t.same(command('kill x -9').positionals, ['x', '-9'], 'but not of kill: runc takes the rest as it is')
  t.same(command('kill --all x KILL'), { ...command('kill -a x KILL') })
  t.match(parse('list -q x').kind, 'usage')
})

t.test('numbers and choices', async (t) => {
  t.equal(command('run x').flags['preserve-fds'], 0)
  t.equal(command('run --preserve-fds 3 x').flags['preserve-fds'], 3)
  t.match(problem('run --preserve-fds -1 x'), 'invalid value "-1" for flag --preserve-fds: expected a number')
  for (const word of ['12x', '0x10', '1e3', ' 1', '1 ', '', '1.5', '+1', '9999999999'])
    t.match(parseCommandLine(['run', `--preserve-fds=${word}`, 'x']), {
      problem: { message: `invalid value "${word}" for flag --preserve-fds: expected a number` },
    })
  t.equal(command('list').flags.format, 'table')
  t.match(problem('list -f yaml'), 'invalid value "yaml" for flag -f: expected table, json')
  for (const [word, value] of [
    ['1', 'true'],
    ['T', 'true'],
    ['FALSE', 'false'],
    ['auto', 'auto'],
    ['', 'auto'],
  ] as const)
    t.equal(command(`--rootless=${word} list`).globals.rootless, value, word)
  t.match(problem('--rootless=yes list'), 'invalid value "yes" for flag --rootless: expected true, false, auto')
  t.match(problem('run --keep=maybe x'), 'invalid value "maybe"')
})

t.test('help and version', async (t) => {
  t.match(parse(''), { kind: 'help', topic: undefined })
  t.match(parse('--help'), { kind: 'help', topic: undefined })
  t.match(parse('help'), { kind: 'help', topic: undefined })
  t.match(parse('help kill'), { kind: 'help', topic: 'kill' })
  t.match(parse('kill -h'), { kind: 'help', topic: 'kill' })
  t.match(parse('create --bundle x --help'), { kind: 'help', topic: 'create' })
  t.match(parse('nosuch --help'), { kind: 'help', topic: 'nosuch' })
  t.match(parse('-v'), { kind: 'version' })
})

t.test('wrong command lines', async (t) => {
  t.match(parse('creat x'), { kind: 'usage', problem: { message: "unknown command 'creat'", unknown: 'creat' } })
  t.match(parse('--rooot x list'), {
    problem: { message: 'flag provided but not defined: --rooot', command: undefined },
  })
  t.match(parse('create --bundel x y'), {
    problem: { message: 'flag provided but not defined: --bundel', command: 'create', unknown: '--bundel' },
  })
  t.match(parse('create -bundel x y'), { problem: { message: 'flag provided but not defined: -bundel' } }, "Go's words")
  t.equal(problem('create --bundle'), 'flag needs an argument: --bundle DIR')
  t.equal(problem('create -b'), 'flag needs an argument: -b DIR')
  t.equal(problem('toString'), "unknown command 'toString'")
})

t.test('the table is sound', async (t) => {
  const lists: readonly (readonly [string, readonly Flag[]])[] = [
    ['global', globalFlags],
    ...Object.entries(commandTable).map(([name, entry]) => [name, entry.flags] as const),
  ]
  for (const [name, flags] of lists) {
    const words = flags.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))
    t.equal(new Set(words).size, words.length, `${name}: no word twice`)
    for (const flag of flags) {
      if (flag.choices !== undefined) t.ok(flag.choices.includes(flag.default ?? ''), `${name} --${flag.name}: default`)
      t.equal(flag.value !== undefined, flag.type !== 'boolean', `${name} --${flag.name}: a value has a name`)
    }
  }
  t.same(Object.keys(commandTable), Object.keys(commandTable).sort(), 'in the order of the help page')
})
