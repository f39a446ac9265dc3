// Writes man/runt.8 and completions/ from the table of commands, and docs/plan.schema.json from the table of steps. They
// are kept in the repository, so that they can be read and installed without a build; src/cli/docs.test.ts fails if they
// are out of date.
// Usage: generate-cli-docs OUTDIR

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../package.json'
import { bashCompletion, fishCompletion, manPage, zshCompletion } from './cli-docs.ts'
import { planSchema } from './plan-schema.ts'

const out = process.argv[2] ?? '.'
for (const directory of ['man', 'completions', 'docs']) mkdirSync(join(out, directory), { recursive: true })
writeFileSync(join(out, 'man/runt.8'), manPage(version))
writeFileSync(join(out, 'completions/runt.bash'), bashCompletion())
writeFileSync(join(out, 'completions/_runt'), zshCompletion())
writeFileSync(join(out, 'completions/runt.fish'), fishCompletion())
writeFileSync(join(out, 'docs/plan.schema.json'), planSchema())
