/*
 * Bundles one of the package's TypeScript programs and runs it: node scripts/run.mjs FILE [ARGUMENTS]. For the npm scripts.
 */
import { spawnSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const home = join(dirname(fileURLToPath(import.meta.url)), '..')
const [file, ...args] = process.argv.slice(2)
const outfile = join(home, '../build/seccomp', `${basename(file, '.ts')}.mjs`)
await build({
  entryPoints: [join(home, file)],
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  outfile,
})
process.exit(spawnSync(process.execPath, [outfile, ...args], { stdio: 'inherit', cwd: home }).status ?? 1)
