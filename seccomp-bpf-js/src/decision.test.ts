/*
 * Random graphs of tests on few words with few values: tests that simplify removes, and the masked accumulator that
 * writeDecision reuses, do not change the result. There are so few values that all of them are tried.
 */
import fc from 'fast-check'
import t from 'tap'
import { type Decision, type DecisionPool, decisionPool } from './decision.ts'
import { decodeFilter, programWriter } from './program.ts'
import { EQ, FULL, GE, GT, MASKED } from './rule-chain.ts'
import { simplify } from './simplify.ts'
import { simulate } from './simulate.ts'
import { writeDecision } from './write-decision.ts'

const seed = Number(process.env.SEED ?? 1)

interface Draft {
  readonly word: number
  readonly compare: number
  readonly mask: number
  readonly value: number
  /** The earlier decisions for both outcomes; the first two are leaves. */
  readonly yes: number
  readonly no: number
}

const values = fc.oneof({ weight: 9, arbitrary: fc.nat(7) }, { weight: 1, arbitrary: fc.constant(FULL) })
const draft: fc.Arbitrary<Draft> = fc.record({
  word: fc.constantFrom(0, 0, 0, 2),
  compare: fc.constantFrom(EQ, GT, GE, MASKED, MASKED),
  mask: fc.nat(7),
  value: values,
  yes: fc.nat(),
  no: fc.nat(),
})

/** Every test leads to the latest decisions, so that the graph is deep and its parts are shared. */
const build = (drafts: readonly Draft[], pool: DecisionPool): Decision => {
  const made: Decision[] = [pool.leaf(0x7fff0000), pool.leaf(0x50001)]
  for (const { word, compare, mask, value, yes, no } of drafts) {
    const recent = made.slice(-3)
    const pick = (at: number) => (at % 4 === 3 ? made[at % made.length] : recent[at % recent.length]) as Decision
    const masked = compare === MASKED
    made.push(
      pool.test(word, compare, masked ? mask : FULL, masked ? (value & mask) >>> 0 : value, pick(yes), pick(no)),
    )
  }
  return made.at(-1) as Decision
}

const holds = (compare: number, word: number, value: number): boolean =>
  compare === GT ? word > value : compare === GE ? word >= value : word === value

const decideBy = (root: Decision, words: readonly number[]): number => {
  let at = root
  while (at.kind === 'test') {
    const word = ((words[at.word >> 1] as number) & at.mask) >>> 0
    at = holds(at.compare, word, at.value) ? at.yes : at.no
  }
  return at.action
}

const WORDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, FULL - 1, FULL]
const PAIRS = WORDS.flatMap((first) => [0, 1, 3, 6, FULL].map((second) => [first, second]))

const forAll = (check: (root: Decision, pool: DecisionPool) => void): void =>
  fc.assert(
    fc.property(fc.array(draft, { minLength: 2, maxLength: 10 }), (drafts) => {
      const pool = decisionPool()
      check(build(drafts, pool), pool)
    }),
    { numRuns: 3000, seed },
  )

t.test('a simplified decision decides the same', async (t) => {
  let smaller = 0
  forAll((root, pool) => {
    const simple = simplify(root, pool)
    if (simple !== root) smaller += 1
    for (const words of PAIRS) if (decideBy(simple, words) !== decideBy(root, words)) throw new Error(`${words}`)
  })
  t.ok(smaller > 500, `${smaller} decisions became smaller`)
})

t.test('earlier comparisons of a word simplify later ones', async (t) => {
  type Known = readonly [compare: number, value: number, outcome: 'yes' | 'no']
  /** The result of simplify for a test after the known ones: its outcome, or nothing if it stays. */
  const implied = (known: readonly Known[], compare: number, value: number): string => {
    const pool = decisionPool()
    const [yes, no, other] = [pool.leaf(1), pool.leaf(2), pool.leaf(3)]
    let root = pool.test(0, compare, FULL, value, yes, no)
    for (const [kind, limit, outcome] of [...known].reverse())
      root =
        outcome === 'yes' ? pool.test(0, kind, FULL, limit, root, other) : pool.test(0, kind, FULL, limit, other, root)
    let at = simplify(root, pool)
    for (const [, , outcome] of known) if (at.kind === 'test') at = at[outcome]
    return at === yes ? 'yes' : at === no ? 'no' : 'open'
  }
  t.equal(implied([[GT, 5, 'yes']], GE, 6), 'yes')
  t.equal(implied([[GT, 5, 'yes']], GT, 6), 'open')
  t.equal(implied([[GE, 5, 'yes']], GT, 4), 'yes')
  t.equal(implied([[GE, 5, 'yes']], GE, 6), 'open')
  t.equal(implied([[GT, 5, 'no']], GE, 6), 'no')
  t.equal(implied([[GT, 5, 'no']], GE, 5), 'open')
  t.equal(implied([[GE, 5, 'no']], GT, 4), 'no')
  t.equal(implied([[GE, 5, 'no']], GT, 3), 'open')
  t.equal(implied([[GE, 5, 'no']], EQ, 5), 'no')
  const rising: Known[] = [[GT, 2, 'yes'], [GT, 5, 'yes']] // biome-ignore format: pairs
  t.equal(implied(rising, GE, 6), 'yes', 'the narrower one counts, whichever came first')
  const falling: Known[] = [[GT, 5, 'no'], [GT, 2, 'no']] // biome-ignore format: pairs
  t.equal(implied(falling, GE, 3), 'no')
})

t.test('a written decision decides the same, in either byte order', async (t) => {
  forAll((root) => {
    for (const endian of ['little', 'big'] as const) {
      const writer = programWriter(() => 0)
      writer.goto(writeDecision(root, writer, endian))
      const program = decodeFilter(writer.encode(endian), endian)
      for (const args of PAIRS) {
        const { action } = simulate(program, { arch: 0, number: 0, args }, endian)
        if (action !== decideBy(root, args)) throw new Error(`${endian} ${args}`)
      }
    }
  })
  t.pass()
})
