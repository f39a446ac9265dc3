// The parts of yargs that need no Node, by the names under which src/cli/yargs.ts imports them. Its own entries add what
// QuickJS does not have (file system, process, Intl); the packages export no others, so these are files.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const yargs = createRequire(import.meta.url).resolve('yargs/package.json')

/** The directory of a dependency of yargs, as Node finds it from there. */
function directoryOf(name) {
  for (let above = dirname(yargs); ; above = dirname(above)) {
    const found = join(above, 'node_modules', name)
    if (existsSync(found)) return found
    if (above === dirname(above)) throw new Error(`no package ${name}`)
  }
}

export const yargsParts = {
  'yargs-factory': join(dirname(yargs), 'build/lib/yargs-factory.js'),
  'yargs-cliui': join(directoryOf('cliui'), 'build/lib/index.js'),
  'yargs-parser-core': join(directoryOf('yargs-parser'), 'browser.js'),
}
