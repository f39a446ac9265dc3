import t from 'tap'
import { fc } from '../testing/random.ts'
import { parseDuration } from './duration.ts'

t.test('durations of Go', (t) => {
  for (const [text, milliseconds] of [
    ['5s', 5000],
    ['100ms', 100],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250us', 0.25],
    ['2µs', 0.002],
    ['0', 0],
    ['-5s', -5000],
  ] as const) {
    t.equal(parseDuration(text), milliseconds, text)
  }
  for (const text of ['', '5', 's', '5 s', '1d', '-', '5s1', 'ms5']) t.equal(parseDuration(text), undefined, text)
  t.end()
})

t.test('any text is a number or undefined', (t) => {
  const part = fc.constantFrom('1', '.', '5', 's', 'ms', 'h', 'm', '-', '+', ' ', 'µs', 'e', '99999999999999999999')
  const check = (text: string): boolean => {
    const duration = parseDuration(text)
    return duration === undefined || (!Number.isNaN(duration) && (text === '0' || /[a-zµ]s?$/.test(text)))
  }
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => parts.join('')),
        check,
      ),
      { numRuns: 2000 },
    ),
  )
  t.end()
})
