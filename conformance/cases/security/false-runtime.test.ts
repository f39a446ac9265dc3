/*
 * The security tests must notice if no container runs: each of them is run with a runtime that does nothing, and every
 * scenario must fail.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.setTimeout(1_800_000)

const self = fileURLToPath(import.meta.url)
const files = readdirSync(dirname(self)).filter((name) => name.endsWith('.test.mjs') && name !== basename(self))

/** The last lines of the TAP stream's top level: one for each scenario. */
function scenariosOf(file: string, runtime: string): Promise<string[]> {
  const env = { ...process.env, RUNT_RUNTIME: runtime, RUNT_RACES: '1', RUNT_PATIENCE: '300' }
  const child = spawn(process.execPath, [join(dirname(self), file)], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  return new Promise((done) => child.on('close', () => done(text.match(/^(not )?ok .*$/gm) ?? [])))
}

/** Nightly also with a runtime that always succeeds. */
const runtimes = process.env.RUNT_ATTACK_ALL === undefined ? ['/bin/false'] : ['/bin/false', '/bin/true']

for (const file of files) {
  t.test(file, { timeout: 600_000 }, async (test) => {
    for (const runtime of runtimes) {
      const scenarios = await scenariosOf(file, runtime)
      test.not(scenarios.length, 0, `there are scenarios (${runtime})`)
      const passed = scenarios.filter((line) => line.startsWith('ok') && !/# skip/i.test(line))
      test.same(passed, [], `none passes with ${runtime}`)
    }
  })
}
