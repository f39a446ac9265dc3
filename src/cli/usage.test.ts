import t from 'tap'
import { parseCommandLine } from './parse.ts'
import { unknownTopic, usageText } from './usage.ts'

/** The message for a wrong command line, without the command's name. */
function message(line: string): string {
  const parsed = parseCommandLine(line.split(' '))
  if (parsed.kind !== 'usage') return `${parsed.kind}, no error`
  const { problem } = usageText(parsed.problem, 'runt')
  return problem.slice(problem.indexOf(': ') + 2)
}

t.test('the message, and where to find help', async (t) => {
  t.same(usageText({ message: 'm', command: 'list' }, 'runc'), {
    problem: 'runc list: m',
    advice: "Run 'runc list --help' for usage.\n",
  })
  t.same(usageText({ message: 'm', command: undefined }, 'runt'), {
    problem: 'runt: m',
    advice: "Run 'runt --help' for usage.\n",
  })
})

t.test('what was probably meant', async (t) => {
  const undefinedFlag = 'flag provided but not defined:'
  t.equal(message('creat x'), "unknown command 'creat'; did you mean create?")
  t.equal(message('--rooot /x list'), `${undefinedFlag} --rooot; did you mean --root?`)
  t.equal(message('create --bundel x y'), `${undefinedFlag} --bundel; did you mean --bundle?`)
  t.equal(message('create -bundel x y'), `${undefinedFlag} -bundel; did you mean --bundle?`)
  t.equal(message('create --bundel=x y'), `${undefinedFlag} --bundel; did you mean --bundle?`)
})

t.test('nothing for words that are like nothing', async (t) => {
  for (const line of ['xyzzyxyz', 'rx', 'p', 'root', 'toString']) t.equal(message(line), `unknown command '${line}'`)
  for (const flag of ['-x', '-rx', '--xyzzyxyz', '--toString', '-V', '--'.concat('list')])
    t.equal(message(`list ${flag} x`), `flag provided but not defined: ${flag}`)
})

t.test('commands of engines', async (t) => {
  for (const [word, meant] of [
    ['rm', 'delete'],
    ['remove', 'delete'],
    ['stop', 'kill'],
    ['inspect', 'state'],
    ['top', 'ps'],
    ['ls', 'list'],
    ['unpause', 'resume'],
    ['version', '--version'],
  ] as const) {
    t.equal(message(`${word} x`), `unknown command '${word}'; did you mean ${meant}?`)
    t.equal(unknownTopic(word, 'runt'), `No help topic for '${word}'; did you mean ${meant}?`)
  }
  t.match(message('logs x'), /^unknown command 'logs'; there are no logs: a container writes to the standard output /)
})

t.test('flags of others', async (t) => {
  for (const [line, hint] of [
    ['-V', 'did you mean --version?'],
    ['exec -it x sh', 'use -t for a terminal; standard input is always attached'],
    ['exec -i x sh', 'use -t for a terminal; standard input is always attached'],
    ['exec -dt x sh', 'short flags are not combined: -d -t'],
    ['run -it x', 'process.terminal in config.json selects a terminal; standard input is always attached'],
    ['run --rm x', '"run" deletes the container when it ends, unless --keep is given'],
    ['run --name x', 'the name is the argument, the container id'],
    ['ps -ef x', 'options of ps(1) follow the container id'],
    ['kill -9 x', 'the signal follows the container id: runt kill <container-id> 9'],
    ['kill -KILL x', 'the signal follows the container id: runt kill <container-id> KILL'],
    ['kill -s USR1 x', 'the signal follows the container id: runt kill <container-id> USR1'],
    ['kill --signal=USR1 x', 'the signal follows the container id: runt kill <container-id> USR1'],
    ['kill --signal', 'the signal follows the container id: runt kill <container-id> TERM'],
  ] as const)
    t.ok(message(line).endsWith(`; ${hint}`), `${line}: ${message(line)}`)
})

t.test('flags on the wrong side of the command', async (t) => {
  t.equal(
    message('run --log /l x'),
    'flag provided but not defined: --log; --log is a global flag: it goes before the command, as in "runt --log … run"',
  )
  t.match(message('list -root /r'), '; --root is a global flag: it goes before the command')
  t.match(message('--keep run x'), '; --keep is a flag of "run": it goes after the command, as in "runt run --keep"')
  t.match(message('-bundle /b run x'), '; --bundle is a flag of commands: it goes after the command')
})

t.test('arguments that are missing, or too many', async (t) => {
  for (const command of ['run', 'create', 'state', 'exec', 'kill', 'delete'])
    t.equal(message(command), `"${command}" requires a container id`)
  t.equal(message('create a b'), 'unexpected argument "b": "create" takes <container-id>')
  t.equal(message('kill a TERM b'), 'unexpected argument "b": "kill" takes <container-id> [signal]')
  t.equal(message('list x'), 'unexpected argument "x": "list" takes none')
})

t.test('help for what does not exist', async (t) => {
  t.equal(unknownTopic('crate', 'runt'), "No help topic for 'crate'; did you mean create?")
  t.equal(unknownTopic('nosuch', 'runt'), "No help topic for 'nosuch'")
})
