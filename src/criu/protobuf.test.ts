/* The examples of protobuf.dev, "Encoding", and decoding of truncated bytes and of unknown fields. */

import t from 'tap'
import { fc } from '../testing/random.ts'
import { decodeMessage, encodeMessage } from './protobuf.ts'

const schema = {
  a: [1, 'int'],
  b: [2, 'string'],
  c: [3, 'message', { a: [1, 'int'] }],
  d: [4, 'strings'],
  e: [5, 'bool'],
  f: [6, 'messages', { a: [1, 'int'] }],
} as const

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

t.test('as the documentation has it', async (t) => {
  t.equal(hex(encodeMessage(schema, { a: 150 })), '089601')
  t.equal(hex(encodeMessage(schema, { b: 'testing' })), '120774657374696e67')
  t.equal(hex(encodeMessage(schema, { c: { a: 150 } })), '1a03089601')
  t.equal(hex(encodeMessage(schema, { a: -2 })), '08feffffffffffffffff01')
  t.equal(hex(encodeMessage(schema, { d: ['x', 'y'], e: true })), '2201782201792801')
  t.equal(hex(encodeMessage(schema, { f: [{ a: 1 }, { a: 2 }] })), '3202080132020802')
  t.equal(hex(encodeMessage(schema, { a: undefined })), '')
})

t.test('unknown fields are skipped', async (t) => {
  // 15: varint, 16: 64 bits, 17: bytes, 18: 32 bits
  t.same(
    decodeMessage(schema, bytes('7801' + '8101' + '0000000000000000' + '8a0101ff' + '9501' + '00000000' + '089601')),
    {
      a: 150,
    },
  )
})

t.test('a truncated message is an error', async (t) => {
  for (const text of ['08', '0896', '1207', '12077465', '81010000', '0bff', '08ffffffffffffffffffffff'])
    t.equal(decodeMessage(schema, bytes(text)), undefined, text)
})

t.test('a written message can be read', async () => {
  const values = fc.record({
    a: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    b: fc.string(),
    c: fc.record({ a: fc.nat() }),
    e: fc.boolean(),
  })
  fc.assert(
    fc.property(values, (value) => {
      t.same(decodeMessage(schema, encodeMessage(schema, value)), value)
    }),
    { numRuns: 200 },
  )
})

t.test('reading any bytes terminates', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
      decodeMessage(schema, input)
    }),
    { numRuns: 2000 },
  )
})
