import t from 'tap'
import { commandTable } from './command-table.ts'
import { helpPage } from './help.ts'

t.test('pages have runc’s form, and fit the terminal', async (t) => {
  for (const [name, command] of Object.entries(commandTable))
    for (const width of [undefined, 60, 80, 200]) {
      const lines = helpPage(name, 'runt', width)?.split('\n') ?? []
      t.equal(lines[0], 'NAME:')
      t.match(lines[1], `  runt ${name} - `)
      const wide = lines.filter((line) => line.length > (width ?? 80))
      t.same(wide, [], `${name}: no line is wider than ${width}`)
      for (const flag of command.flags) t.ok(lines.some((line) => line.slice(6).startsWith(`--${flag.name}`)))
    }
  t.equal(helpPage('nosuch', 'runt'), undefined)
})

t.test('a very narrow terminal', async (t) => {
  for (const width of [0, 1, 20]) t.equal(helpPage('create', 'runt', width), helpPage('create', 'runt', 40))
})

t.test('the whole page of one command', async (t) => {
  t.equal(
    helpPage('delete', 'runc'),
    `NAME:
  runc delete - delete any resources held by a container

USAGE:
  runc delete [command options] <container-id>

DESCRIPTION:
  Removes a container's cgroups and state. The container must be stopped or
  created.

OPTIONS:
  -f, --force  kill the container first; no error if it does not exist
      --plan   print what would be killed, run and removed, and change nothing
               (not in runc)
  -h, --help   show help
`,
  )
})

t.test('the page of the program', async (t) => {
  const page = helpPage(undefined, 'runt') ?? ''
  t.match(page, /^NAME:\n {2}runt - Open Container Initiative runtime\n/)
  t.match(page, /^VERSION:\n {2}\d+\.\d+\.\d+\n {2}commit: \S+\n {2}spec: 1\.3\.0$/m)
  t.match(page, /^GLOBAL OPTIONS:\n {6}--debug +log debug messages$/m)
  for (const name of Object.keys(commandTable)) t.match(page, new RegExp(`^ {2}${name} +\\S`, 'm'))
})
