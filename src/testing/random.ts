// fast-check for the tests of the project: with one seed, so that a run says something of the code and not of the day. To look
// elsewhere: RUNT_FUZZ_SEED=N, or RUNT_FUZZ_SEED=random; a failure tells the seed. What is made of it is in each test.

import fc from 'fast-check'

const asked = process.env.RUNT_FUZZ_SEED
/** Of every property that has none of its own. */
export const seed = asked === 'random' ? Date.now() % 2 ** 31 : Number(asked ?? 1)
fc.configureGlobal({ seed })

export { fc }
