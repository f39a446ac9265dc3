// fast-check for the project's tests, with a fixed seed, so that the result depends only on the code. To use others:
// RUNT_FUZZ_SEED=N, or RUNT_FUZZ_SEED=random; a failure prints the seed.

import fc from 'fast-check'

const asked = process.env.RUNT_FUZZ_SEED
/** For every property without a seed of its own. */
export const seed = asked === 'random' ? Date.now() % 2 ** 31 : Number(asked ?? 1)
fc.configureGlobal({ seed })

export { fc }
