import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { RuntError } from '../errors.ts'
import { fc } from '../testing/random.ts'
import { type Json, parseExact, parseJson, parseRounded, stringify } from './json.ts'

function messageOf(text: string): string {
  try {
    parseExact(text, 'config.json')
  } catch (error) {
    return (error as RuntError).message
  }
  return 'no error'
}

t.test('integers keep every digit', (t) => {
  const text = '[18446744073709551615,-9223372036854775808,9007199254740991,9007199254740992,9223372036854771712]'
  const exact = [
    18446744073709551615n,
    -9223372036854775808n,
    9007199254740991,
    9007199254740992n,
    9223372036854771712n,
  ]
  t.strictSame(parseExact(text, ''), exact)
  t.strictSame(parseJson(text, ''), exact)
  t.equal(stringify(parseJson(text, '')), text)
  t.end()
})

t.test('rounded integers are detected as unsafe', (t) => {
  for (const digits of ['9007199254740993', '18446744073709551615', '-9223372036854775807']) {
    t.notOk(Number.isSafeInteger(parseRounded(digits, '')), digits)
  }
  t.end()
})

t.test('numbers with a fraction or exponent are doubles', (t) => {
  t.strictSame(parseExact('[1.5, 1e3, -0.25E-1, 1E400, 0]', ''), [1.5, 1000, -0.025, Number.POSITIVE_INFINITY, 0])
  t.end()
})

t.test('errors name line and column', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'line 1, column 1: expected a value, the text ends'],
    ['{\n  "a": 1,\n  b: 2\n}', 'line 3, column 3: expected a string as key, found "b"'],
    ['{"a" 1}', `line 1, column 6: expected ':', found "1"`],
    ['{"a": 1 "b": 2}', `line 1, column 9: expected ',' or '}', found "\\""`],
    ['[1 2]', `line 1, column 4: expected ',' or ']', found "2"`],
    ['[1,]', 'line 1, column 4: expected a value, found "]"'],
    ['{} x', 'line 1, column 4: expected the end of the document, found "x"'],
    ['{"a": "b', 'line 1, column 7: the string that begins here does not end, found "\\""'],
    ['["a\tb"]', 'line 1, column 4: a control character in a string must be escaped, found "\\t"'],
    ['["\\\\ \\x41"]', 'line 1, column 6: invalid escape in a string, found "\\\\"'],
    ['["\\u12"]', 'line 1, column 3: invalid escape in a string, found "\\\\"'],
    ['[01]', 'line 1, column 2: invalid number, found "0"'],
    ['[1.]', 'line 1, column 2: invalid number, found "1"'],
    ['[-]', 'line 1, column 2: expected a number, found "-"'],
    ['[nul]', 'line 1, column 2: expected a value, found "n"'],
    ['\ufeff{}', 'line 1, column 1: expected a value, found "\ufeff"'],
  ]
  for (const [text, message] of cases) t.equal(messageOf(text), `config.json: ${message}`, JSON.stringify(text))
  t.end()
})

t.test('depth is limited', (t) => {
  t.type(parseExact('['.repeat(200) + ']'.repeat(200), ''), Array)
  t.equal(
    messageOf('['.repeat(201) + ']'.repeat(201)),
    'config.json: line 1, column 201: nested more than 200 levels deep, found "["',
  )
  t.end()
})

t.test('of duplicate keys the last one wins', (t) => {
  t.strictSame(parseExact('{"a":1,"b":2,\n"a":3}', ''), { a: 3, b: 2 })
  t.end()
})

t.test('__proto__ is a key like any other', (t) => {
  const value = parseExact('{"__proto__": {"polluted": true}}', '') as object
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.strictSame(Object.keys(value), ['__proto__'])
  t.equal(stringify(value), '{"__proto__":{"polluted":true}}')
  t.end()
})

/** What the engine's parser would return for an exact value. */
function rounded(value: Json): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rounded(member)]))
}

t.test('agrees with the engine on every value', (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        return isDeepStrictEqual(rounded(parseExact(text, '')), rounded(JSON.parse(text)))
      }),
      { numRuns: 500 },
    ),
  )
  t.end()
})

t.test('agrees with the engine on every broken text', (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:\\0e-. \n\u0001ux'), (text, position, char) => {
        const at = position % (text.length + 1)
        const broken = text.slice(0, at) + char + text.slice(at + 1)
        let expected: Json
        try {
          expected = JSON.parse(broken) as Json
        } catch {
          return messageOf(broken) !== 'no error'
        }
        return isDeepStrictEqual(rounded(parseExact(broken, '')), rounded(expected))
      }),
      { numRuns: 2000 },
    ),
  )
  t.end()
})

t.test('writes what it reads', (t) => {
  t.equal(stringify({ a: [1n, 'x'], b: undefined, c: {}, d: [], e: null }), '{"a":[1,"x"],"c":{},"d":[],"e":null}')
  t.equal(stringify({ a: [1n], b: {} }, '  '), '{\n  "a": [\n    1\n  ],\n  "b": {}\n}')
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) =>
          stringify(value) === JSON.stringify(value) && stringify(value, '\t') === JSON.stringify(value, null, '\t'),
      ),
      { numRuns: 300 },
    ),
  )
  t.end()
})
