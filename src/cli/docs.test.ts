/* The man page and the completions in the repository match the program; scripts/generate-cli-docs.ts generates them. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { version } from '../../package.json'
import { manPage } from '../../scripts/cli-docs.ts'
import { planSchema } from '../../scripts/plan-schema.ts'
import { commandTable, globalFlags } from './command-table.ts'
import { completionScripts } from './completion-scripts.ts'

const man = manPage(version)
const files = {
  'man/runt.8': man,
  'completions/runt.bash': completionScripts.bash,
  'completions/_runt': completionScripts.zsh,
  'completions/runt.fish': completionScripts.fish,
  'docs/plan.schema.json': planSchema(),
}

t.test('the files are up to date', async (t) => {
  for (const [name, text] of Object.entries(files)) t.equal(readFileSync(name, 'utf8'), text, `${name}: make docs`)
})

t.test('the man page names every command and flag', async (t) => {
  const plain = man.replaceAll('\\-', '-')
  const flags = [...globalFlags, ...Object.values(commandTable).flatMap((command) => [...command.flags])]
  for (const { name: flag } of flags) t.match(plain, `--${flag}`)
  for (const command of Object.keys(commandTable)) t.match(plain, new RegExp(`\\b${command}\\b`))
})
