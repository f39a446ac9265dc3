/* The man page and the completions in the repository match the table; scripts/generate-cli-docs.ts generates them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { version } from '../../package.json'
import { bashCompletion, fishCompletion, manPage, zshCompletion } from '../../scripts/cli-docs.ts'
import { planSchema } from '../../scripts/plan-schema.ts'
import { commandTable, globalFlags } from './command-table.ts'

const files = {
  'man/runt.8': manPage(version),
  'completions/runt.bash': bashCompletion(),
  'completions/_runt': zshCompletion(),
  'completions/runt.fish': fishCompletion(),
}

t.test('the files are up to date', async (t) => {
  for (const [name, text] of Object.entries({ ...files, 'docs/plan.schema.json': planSchema() }))
    t.equal(readFileSync(name, 'utf8'), text, `${name}: make docs`)
})

t.test('they name every command and flag', async (t) => {
  for (const [name, text] of Object.entries(files)) {
    const plain = text.replaceAll('\\-', '-')
    const flags = [...globalFlags, ...Object.values(commandTable).flatMap((command) => [...command.flags])]
    for (const { name: flag } of flags)
      t.match(plain, name.endsWith('.fish') ? `-l ${flag}` : `--${flag}`, `${name}: ${flag}`)
    for (const command of Object.keys(commandTable))
      t.match(plain, new RegExp(`\\b${command}\\b`), `${name}: ${command}`)
  }
})

t.test('bash can use its file', async (t) => {
  const complete = (words: string): readonly string[] => {
    const script = `source completions/runt.bash; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _runt; printf '%s\\n' "\${COMPREPLY[@]}"`
    const run = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    t.equal(run.stderr, '')
    return run.stdout.split('\n').filter((line) => line !== '')
  }
  t.same(complete('runt st'), ['start', 'state'])
  t.same(complete('runt --root /x crea'), ['create'])
  t.same(complete('runt create --no-n'), ['--no-new-keyring'])
  t.same(complete('runt list --format j'), ['json'])
  t.same(complete('runt plan --format ""'), ['text', 'json'])
  t.same(complete('runt --root /x validate -f ""'), ['text', 'json'])
})
