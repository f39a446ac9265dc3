import t from 'tap'
import { commandTable, type Flag, globalFlags } from './command-table.ts'
import { complete } from './complete.ts'

const words = (line: string): readonly string[] => line.split(' ')
const offer = (line: string) => complete(words(line)).offer
const names = (line: string): readonly string[] => {
  const found = offer(line)
  return 'candidates' in found ? found.candidates.map(([name]) => name) : []
}
const nothing = { words: [] }

t.test('commands', async (t) => {
  for (const line of ['', 'cr', '--debug ', '--root /x ', '--root=/x ', 'help '])
    t.same(names(line), [...Object.keys(commandTable), 'help'], line)
  t.same(offer('nosuch '), nothing)
  t.same(offer('--nosuch '), nothing)
  t.same(offer('help list '), nothing)
})

t.test('flags', async (t) => {
  t.ok(names('-').includes('--root'))
  t.ok(names('-').includes('-h'))
  t.same(names('pause --'), ['--help', '-h'])
  t.ok(names('delete x -').includes('--force'), 'flags may follow the id')
  t.same(offer('delete -- -'), commandTable.delete.offers[0], 'but not "--"')
  t.same(offer('delete --nosuch -'), nothing)
  t.same(offer('kill x -'), { names: 'signals' }, 'nor the id of kill')
})

t.test('values of flags', async (t) => {
  for (const [line, expected] of [
    ['--root ', { files: 'directories' }],
    ['-root ', { files: 'directories' }],
    ['--log ', { files: 'any' }],
    ['--log-format ', { words: ['text', 'json'] }],
    ['create --bundle ', { files: 'directories' }],
    ['create x -b ', { files: 'directories' }],
    ['create --console-socket ', { files: 'any' }],
    ['list --format ', { words: ['table', 'json'] }],
    ['list -f ', { words: ['table', 'json'] }],
    ['plan --format ', { words: ['text', 'json'] }],
    ['validate --format ', { words: ['text', 'json'] }],
    ['seccomp --syscall ', { names: 'syscalls' }],
    ['seccomp --arch ', { names: 'architectures' }],
    ['exec --cap ', { names: 'capabilities' }],
    ['checkpoint --manage-cgroups-mode ', { words: ['soft', 'full', 'strict', 'ignore'] }],
    ['run --preserve-fds ', nothing],
    ['exec --env ', nothing],
  ] as const)
    t.match(complete(words(line)), { offer: expected, prefix: '', typed: '' }, line)
})

t.test('values in the same word', async (t) => {
  t.match(complete(['--root=/r']), { offer: { files: 'directories' }, prefix: '--root=', typed: '/r' })
  t.match(complete(['-root=']), { offer: { files: 'directories' }, prefix: '-root=', typed: '' })
  t.match(complete(words('list -f=j')), { offer: { words: ['table', 'json'] }, prefix: '-f=', typed: 'j' })
  t.match(complete(words('delete --force=')), { offer: { words: ['true', 'false'] }, prefix: '--force=' })
  t.same(offer('list --nosuch=x'), nothing)
})

t.test('arguments', async (t) => {
  const status = (line: string) => {
    const found = offer(line)
    return 'ids' in found ? found.ids : found
  }
  t.same(status('start '), ['created'])
  t.same(status('resume '), ['paused'])
  t.same(status('--root /r exec -t '), ['created', 'running', 'paused'])
  t.equal(complete(words('--root /r exec ')).globals.root, '/r')
  t.equal(complete(words('--root=/r exec ')).globals.root, '/r')
  for (const command of ['run', 'create', 'restore']) t.same(offer(`${command} `), nothing, `a new id for ${command}`)
  for (const line of ['list ', 'start x ', 'kill x TERM ', 'validate a ']) t.same(offer(line), nothing, line)
  for (const line of ['exec x ', 'exec x -', 'exec x ls -', 'plan ', 'plan diff a ', 'seccomp '])
    t.same(offer(line), { files: 'any' }, line)
  t.same(offer('kill x '), { names: 'signals' })
  t.same(offer('completion '), { words: ['bash', 'zsh', 'fish'] })
})

t.test('the table says what to offer', async (t) => {
  for (const [name, { usage, offers }] of Object.entries(commandTable))
    t.equal(offers.length > 0, usage !== '' && !['create', 'run', 'restore'].includes(name), name)
  const flags: readonly Flag[] = [...globalFlags, ...Object.values(commandTable).flatMap(({ flags }) => [...flags])]
  for (const flag of flags) t.notOk(flag.choices && flag.offers, `${flag.name}: choices or something else`)
})
