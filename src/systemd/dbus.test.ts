import t from 'tap'
import { fc } from '../testing/random.ts'
import { decodeUtf8, encodeUtf8 } from '../utf8.ts'
import { authenticationBytes, decodeMessage, encodeCall } from './dbus.ts'
import { type DbusValue, marshal, typeEnd, unmarshal } from './dbus-values.ts'

t.test('golden: a method call, byte for byte', (t) => {
  const bytes = encodeCall({
    serial: 1,
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'Hello',
    signature: '',
    body: [],
  })
  // As libdbus sends it (D-Bus Specification, "Message Format"), except for the flag NO_AUTO_START and the order of the
  // fields.
  const expected = [
    ...[0x6c, 1, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0x6d, 0, 0, 0],
    ...[1, 1, 0x6f, 0, 0x15, 0, 0, 0, ...ascii('/org/freedesktop/DBus'), 0, 0, 0],
    ...[2, 1, 0x73, 0, 0x14, 0, 0, 0, ...ascii('org.freedesktop.DBus'), 0, 0, 0, 0],
    ...[3, 1, 0x73, 0, 5, 0, 0, 0, ...ascii('Hello'), 0, 0, 0],
    ...[6, 1, 0x73, 0, 0x14, 0, 0, 0, ...ascii('org.freedesktop.DBus'), 0, 0, 0, 0],
  ]
  t.same([...bytes], expected)
  t.end()
})

t.test('authentication says no uid', (t) => {
  t.equal(decodeUtf8(authenticationBytes()), '\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n')
  t.end()
})

t.test('a message comes back as it was, and not before it is whole', (t) => {
  const body: DbusValue[] = ['x.scope', 'replace', [['Slice', { signature: 's', value: 'a.slice' }]], []]
  const call = { serial: 7, path: '/a', interface: 'b.c', member: 'D', signature: 'ssa(sv)a(sa(sv))', body }
  const bytes = encodeCall(call)
  for (let length = 0; length < bytes.length; length++) t.equal(decodeMessage(bytes.subarray(0, length)), undefined)
  const two = Uint8Array.from([...bytes, 1, 2, 3])
  t.same(decodeMessage(two), {
    message: { type: 'call', path: '/a', interface: 'b.c', member: 'D', body },
    length: bytes.length,
  })
  t.end()
})

t.test('the other byte order', (t) => {
  const header = [0x42, 2, 1, 1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0x0f]
  const fields = [5, 1, 0x75, 0, 0, 0, 0, 3, 8, 1, 0x67, 0, 1, 0x75, 0, 0]
  const found = decodeMessage(Uint8Array.from([...header, ...fields, 0, 0, 1, 2]))
  t.same(found?.message, { type: 'return', replyTo: 3, body: [258] })
  t.end()
})

t.test('values of every type survive', (t) => {
  fc.assert(
    fc.property(anyTyped(), ([signature, value]) => {
      const bytes: number[] = []
      marshal(bytes, signature, [value])
      const { values, end } = unmarshal(new DataView(Uint8Array.from(bytes).buffer), 0, signature, 'little')
      if (end !== bytes.length) throw new Error(`${end} of ${bytes.length} bytes read`)
      t.same(values[0], value, signature)
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('bytes that are no message are refused, not waited for', (t) => {
  t.throws(() => decodeMessage(new Uint8Array(16)), RangeError)
  t.throws(
    () => decodeMessage(Uint8Array.from([0x6c, 2, 0, 1, 0xff, 0xff, 0xff, 0xff, ...new Uint8Array(8)])),
    RangeError,
  )
  t.throws(() => typeEnd('z', 0), RangeError)
  t.throws(() => typeEnd('a', 0), RangeError)
  t.throws(
    () => unmarshal(new DataView(Uint8Array.from([4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]).buffer), 0, 'a()', 'little'),
    RangeError,
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 200 }), (noise) => {
      const bytes = Uint8Array.from([0x6c, 2, 0, 1, 8, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0, 0, ...noise])
      try {
        decodeMessage(bytes)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }),
  )
  t.end()
})

t.test('UTF-8 as TextEncoder and TextDecoder have it', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      t.same([...encodeUtf8(text)], [...new TextEncoder().encode(text)])
      t.equal(decodeUtf8(encodeUtf8(text)), text)
    }),
  )
  t.equal(decodeUtf8(Uint8Array.from([0x61, 0xff, 0x62, 0xc3])), 'a\ufffdb\ufffd')
  t.equal(encodeUtf8('\ud800').join(), '239,191,189')
  t.end()
})

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0))
}

function anyTyped(): fc.Arbitrary<[string, DbusValue]> {
  const tie = fc.letrec<{ typed: [string, DbusValue]; basic: [string, DbusValue] }>((again) => ({
    basic: fc.oneof(
      fc.integer({ min: 0, max: 255 }).map((n): [string, DbusValue] => ['y', n]),
      fc.integer({ min: -32768, max: 32767 }).map((n): [string, DbusValue] => ['n', n]),
      fc.integer({ min: 0, max: 4294967295 }).map((n): [string, DbusValue] => ['u', n]),
      fc.integer().map((n): [string, DbusValue] => ['i', n]),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n): [string, DbusValue] => ['x', n]),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n): [string, DbusValue] => ['t', n]),
      fc.double({ noNaN: true }).map((n): [string, DbusValue] => ['d', n]),
      fc.boolean().map((b): [string, DbusValue] => ['b', b]),
      fc.string({ unit: 'grapheme' }).map((s): [string, DbusValue] => ['s', s]),
    ),
    typed: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      again('basic'),
      again('typed').map(([signature, value]): [string, DbusValue] => ['v', { signature, value }]),
      fc
        .array(again('typed'), { minLength: 1, maxLength: 3 })
        .map((parts): [string, DbusValue] => [
          `(${parts.map(([signature]) => signature).join('')})`,
          parts.map(([, value]) => value),
        ]),
      again('typed').chain(([signature, value]) =>
        fc.integer({ min: 0, max: 3 }).map((count): [string, DbusValue] => [`a${signature}`, Array(count).fill(value)]),
      ),
    ),
  }))
  return tie.typed
}
