import t from 'tap'
import { commandTable } from './command-table.ts'
import { helpPage, usageText } from './help.ts'

t.test('pages have runc’s form', async (t) => {
  for (const [name, command] of Object.entries(commandTable)) {
    const lines = helpPage(name, 'runt')?.split('\n') ?? []
    t.equal(lines[0], 'NAME:')
    t.equal(lines[1], `   runt ${name} - ${command.summary}`)
    t.equal(lines.filter((line) => line.length > 140).length, 0, `${name}: no line is too long`)
    for (const flag of command.flags) t.ok(lines.some((line) => line.startsWith(`   --${flag.name}`)))
  }
  t.equal(helpPage('nosuch', 'runt'), undefined)
})

t.test('the whole page of one command', async (t) => {
  t.equal(
    helpPage('delete', 'runc'),
    `NAME:
   runc delete - delete any resources held by a container

USAGE:
   runc delete [command options] <container-id>

DESCRIPTION:
   Removes a container's cgroups and state. The container must be stopped or created.

OPTIONS:
   --force, -f  kill the container first; no error if it does not exist
   --plan       print what would be killed, run and removed, and change nothing (not in runc)
   --help, -h   show help
`,
  )
})

t.test('the page of the program', async (t) => {
  const page = helpPage(undefined, 'runt') ?? ''
  t.match(page, /^NAME:\n {3}runt - Open Container Initiative runtime\n/)
  t.match(page, /^VERSION:\n {3}\d+\.\d+\.\d+\n {3}commit: \S+\n {3}spec: 1\.3\.0$/m)
  for (const name of Object.keys(commandTable)) t.match(page, new RegExp(`^ {3}${name} +\\S`, 'm'))
})

t.test('suggestions', async (t) => {
  const text = (unknown: string, command?: 'create' | 'list') =>
    usageText({ message: 'm', command, unknown }, 'runt').problem
  t.equal(text('creat'), 'runt: m; did you mean create?')
  t.equal(text('rooot'), 'runt: m; did you mean --root?')
  t.equal(text('bundel', 'create'), 'runt create: m; did you mean --bundle?')
  t.equal(text('xyzzyxyz', 'list'), 'runt list: m')
  t.same(usageText({ message: 'm', command: 'list' }, 'runt'), {
    problem: 'runt list: m',
    advice: "Run 'runt list --help' for usage.\n",
  })
})
