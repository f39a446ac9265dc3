/*
 * The large differential run: `npm run differential -- [PROFILES] [SEED]`, by default 10,000 profiles from the clock. Prints
 * the seed, the tally, and every difference; fails when there is one.
 */
import { describe, differential } from './differential.ts'
import { agreement } from './libseccomp.ts'
import { libseccompProgram } from './programs.ts'
import { NAMES } from './random-profile.ts'

const count = Number(process.argv[2] ?? 10000)
const seed = Number(process.argv[3] ?? Date.now() % 0x7fffffff)
const program = libseccompProgram()
if ('missing' in program) {
  console.error(program.missing)
  process.exit(1)
}
const { names, archs } = agreement(program.path, NAMES)
console.log(`seed ${seed}, ${count} profiles, names ${names.length}, architectures ${archs.join(' ')}`)
const tally = differential(program.path, count, seed, 200, archs, names)
for (const difference of tally.differences) console.log(describe(difference))
console.log({
  libseccomp: tally.version,
  profiles: tally.profiles,
  'system calls compared': tally.calls,
  'of them with a literal answer': tally.literal,
  'profiles both refuse': tally.refused,
  'profiles libseccomp crashes or hangs on': tally.failed,
  'profiles libseccomp contradicts the profile or itself': tally.miscompiled.length,
  differences: tally.differences.length,
})
process.exit(tally.differences.length > 0 ? 1 : 0)
