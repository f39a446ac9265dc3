// Every fuzz target over its corpus, and over a few thousand mutations from a fixed seed, so that fixed bugs stay
// fixed. `make fuzz` continues from there.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { seed } from '../src/testing/random.ts'
import { fuzz, saveCrash } from './fuzzer.ts'
import { targets } from './targets.ts'

const BUILD = process.env.RUNT_BUILD ?? 'build'
/** Fewer mutations for slow targets, so that all take about the same time. */
const few: { readonly [name: string]: number } = {
  config: 60,
  seccomp: 30,
  'seccomp-profile': 200,
  statistics: 200,
  denied: 300,
}

for (const target of targets.filter(({ missing }) => missing === undefined)) {
  t.test(target.name, { skip: target.name === 'seccomp-libseccomp' && 'differential.test.ts has it' }, async (t) => {
    const executions = few[target.name] ?? 500
    const { crash } = fuzz(target, seed, { executions, seconds: Number.POSITIVE_INFINITY })
    t.equal(crash === undefined ? '' : `${crash.reason}\n${saveCrash(target.name, crash)}`, '')
  })
}

for (const name of ['decode', 'launch', 'notify']) {
  const program = join(BUILD, 'fuzz', `${name}-check`)
  t.test(name, { skip: !existsSync(program) && `no ${program}` }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'runt-fuzz-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const corpus = join('fuzz/corpus', name)
    const files = readdirSync(corpus).map((file) => join(corpus, file))
    const { status, stdout, stderr } = spawnSync(program, ['3000', String(seed), join(directory, 'crash'), ...files], {
      encoding: 'utf8',
      // Without those of a sanitized build of Node (scripts/test.sh).
      env: { PATH: process.env.PATH },
    })
    t.equal(status, 0, stderr)
    t.match(stdout, /^\d+ executions$/m)
  })
}
