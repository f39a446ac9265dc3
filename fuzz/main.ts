// The fuzz targets in TypeScript, from the command line: main.mjs SECONDS [TARGET…]. Prints a line for each and exits
// with 1 after a crash. RUNT_FUZZ_SEED=N repeats a run as far as the time allows.

import { fuzz, saveCrash } from './fuzzer.ts'
import { targets } from './targets.ts'

const [seconds = '10', ...names] = process.argv.slice(2)
const seed = Number(process.env.RUNT_FUZZ_SEED ?? Date.now() % 2 ** 31)
let crashes = 0
for (const target of targets) {
  if (names.length > 0 && !names.includes(target.name)) continue
  if (target.missing !== undefined) {
    console.log(`${target.name.padEnd(20)} skipped: ${target.missing}`)
    continue
  }
  const {
    executions,
    seconds: took,
    crash,
  } = fuzz(target, seed, { executions: Number.POSITIVE_INFINITY, seconds: Number(seconds) })
  const rate = Math.round(executions / took)
  console.log(
    `${target.name.padEnd(20)} ${executions} executions, ${rate}/s, ${crash === undefined ? 0 : 1} crashes, seed ${seed}`,
  )
  if (crash === undefined) continue
  crashes++
  console.log(`${crash.reason}\ninput: ${saveCrash(target.name, crash)}`)
}
process.exitCode = crashes > 0 ? 1 : 0
