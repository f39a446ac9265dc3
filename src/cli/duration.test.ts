import t from 'tap'
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
