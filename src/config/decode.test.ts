import { readFileSync } from 'node:fs'
import t from 'tap'
import * as definitions from '../../build/gen/definitions.js'
import * as validators from '../../build/gen/validators.js'
import { fc, seed } from '../testing/random.ts'
import { decode, decodeText, type Form } from './decode.ts'
import { type Json, parseExact, stringify } from './json.ts'
import { changed, changes, documents } from './testing/documents.ts'
import { loadSchemas, membersByPath, rootOf } from './testing/schema.ts'

const form: Form = { validate: validators.config, definition: definitions.Config }

t.test('a text is decoded as if it had been parsed exactly in the first place', (t) => {
  const schemas = loadSchemas('spec-schemas')
  const members = membersByPath(schemas, 'config.json')
  let valid = 0
  const property = fc.property(documents(schemas, rootOf('config.json')), changes, (document, picks) => {
    const text = stringify(changed(document, members, picks))
    const exact = parseExact(text, '')
    const expected = decode(exact, form)
    const { document: found, decoded } = decodeText(text, '', form)
    if (expected.problems.length === 0) valid++
    t.strictSame({ ...decoded, found: tagged(found) }, { ...expected, found: tagged(exact) })
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500, seed }))
  t.ok(valid > 50, `${valid} were valid`)
  t.end()
})

/** With numbers and bigints apart. */
function tagged(value: Json): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return value.map(tagged)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, member]) => [key, tagged(member)])
    .sort()
}

t.test("ajv's code needs nothing of ajv, and no compiler of regular expressions", (t) => {
  const code = readFileSync('build/gen/validators.js', 'utf8')
  t.notMatch(code, /\brequire\(|\bimport\b|RegExp/)
  t.match(code, /export const config = /)
  t.end()
})
