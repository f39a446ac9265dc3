import t from 'tap'
import { findPlaces, positionOf } from './positions.ts'

const text = `{
  "a": {"b": [1, "x\\"]y", {"c": null}]},
  "com.example/k": true, "\\u0061": -1.5e3,
  "Root": {"path": "p"},
  "e": [], "f": {} }
`
const places = findPlaces(text)
const at = (path: string, of: 'key' | 'value' = 'value') => {
  const { line, column } = positionOf(text, places, path, of)
  return `${line}:${column}`
}

t.test('values and keys have positions', (t) => {
  t.equal(at(''), '1:1')
  t.equal(at('a'), '3:36', 'of equal keys the last one counts')
  t.equal(at('a', 'key'), '3:26')
  t.equal(at('a.b'), '2:14')
  t.equal(at('a.b[0]'), '2:15')
  t.equal(at('a.b[1]'), '2:18')
  t.equal(at('a.b[2].c', 'key'), '2:28')
  t.equal(at('["com.example/k"]'), '3:20')
  t.equal(at('f'), '5:17')
  t.end()
})

t.test('a missing value has the position of its object', (t) => {
  t.equal(at('a.b[7]'), '2:14')
  t.equal(at('f.x.y["z[0]"][3]'), '5:17')
  t.equal(at('nothing'), '1:1')
  t.equal(at('a.b[2].d', 'key'), '2:27', 'the object, not its key')
  t.end()
})

t.test('keys may differ in case', (t) => {
  t.equal(at('root.path'), '4:20')
  t.equal(at('root', 'key'), '4:3')
  t.end()
})

t.test('keys that occur twice', (t) => {
  t.strictSame(places.duplicates, [{ path: 'a', key: 'a', at: text.indexOf('"\\u0061"') }])
  t.end()
})
