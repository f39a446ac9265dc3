// Writes man/runt.8 from the table of commands, completions/ as "runt completion" prints them, and docs/plan.schema.json from the
// table of steps. They are kept in the repository, so that they can be read and installed without a build;
// src/cli/docs.test.ts fails if they are out of date.
// Usage: generate-cli-docs OUTDIR

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../package.json'
import { completionScripts } from '../src/cli/completion-scripts.ts'
import { manPage } from './cli-docs.ts'
import { planSchema } from './plan-schema.ts'

const out = process.argv[2] ?? '.'
for (const directory of ['man', 'completions', 'docs']) mkdirSync(join(out, directory), { recursive: true })
writeFileSync(join(out, 'man/runt.8'), manPage(version))
writeFileSync(join(out, 'completions/runt.bash'), completionScripts.bash)
writeFileSync(join(out, 'completions/_runt'), completionScripts.zsh)
writeFileSync(join(out, 'completions/runt.fish'), completionScripts.fish)
writeFileSync(join(out, 'docs/plan.schema.json'), planSchema())
