import t from 'tap'
import { parseIdList } from './id-list.ts'

t.test('lists of IDs', (t) => {
  t.strictSame(parseIdList('0-3,7'), [0, 1, 2, 3, 7])
  t.strictSame(parseIdList(' 5 , 2 - 3,'), [5, 2, 3])
  t.strictSame(parseIdList(''), [])
  t.strictSame(parseIdList('65535'), [65535])
  for (const text of ['x', '1-', '-1', '3-1', '1-2-3', '65536', '0x1', '1.5'])
    t.equal(parseIdList(text), undefined, text)
  t.end()
})
