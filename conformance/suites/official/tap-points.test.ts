import t from 'tap'
import { failuresOf, readTap } from './tap-points.ts'

t.test('points, their directives, and the plan', (t) => {
  const text =
    'TAP version 13\nok 1 - a\nnot ok 2 - b\n  ---\n  ok 7 - inside\n  ...\n# not ok\nok 3 # SKIP no c\n1..3\n'
  t.same(readTap(text), {
    points: [
      { name: 'a', isGood: true },
      { name: 'b', isGood: false },
      { name: '', isGood: true, excuse: 'SKIP no c' },
    ],
    planned: 3,
  })
  t.same(failuresOf(readTap(text), 0), ['b'])
  t.end()
})

t.test('two documents count as one, and none is judged by the exit status', (t) => {
  t.same(failuresOf(readTap('ok 1 - a\n1..1\nTAP version 13\n1..0\n'), 0), [])
  t.same(failuresOf(readTap('ok 1 - a\n1..1\nTAP version 13\n1..2\nok 1 - b\n'), 0), ['plan'])
  t.same(failuresOf(readTap(''), 0), [])
  t.same(failuresOf(readTap('TAP version 13\nnot ok 1 - a\n'), 1), ['a', 'exit status'])
  t.end()
})
