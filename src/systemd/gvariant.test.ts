import t from 'tap'
import type { Problem } from '../errors.ts'
import { annotationProperties } from './annotations.ts'
import type { Variant } from './dbus-values.ts'
import { parseGVariant } from './gvariant.ts'
import { formatGVariant } from './gvariant-text.ts'

t.test('values and their types', (t) => {
  const cases: [string, string, unknown][] = [
    ['true', 'b', true],
    ['boolean false', 'b', false],
    ['5', 'i', 5],
    ['-0x10', 'i', -16],
    ['uint64 18446744073709551615', 't', 18446744073709551615n],
    ['int64 -5', 'x', -5n],
    ['byte 0xff', 'y', 255],
    ['1.5', 'd', 1.5],
    ['double 3', 'd', 3],
    ["'it\\'s \\u00e4\\n'", 's', "it's ä\n"],
    ['"two"', 's', 'two'],
    ["objectpath '/a'", 'o', '/a'],
    ["['a', 'b']", 'as', ['a', 'b']],
    ['[uint32 1, 2]', 'au', [1, 2]],
    ['@as []', 'as', []],
    ["(1, 'x', true)", '(isb)', [1, 'x', true]],
    ['(1,)', '(i)', [1]],
    ["@a(ss) [('/dev/null', 'rw')]", 'a(ss)', [['/dev/null', 'rw']]],
    ["<'boxed'>", 'v', { signature: 's', value: 'boxed' }],
    ['  7 ', 'i', 7],
  ]
  for (const [text, signature, value] of cases) {
    t.same(parseGVariant(text), { signature, value }, text)
    t.same(parseGVariant(formatGVariant({ signature, value } as Variant)), { signature, value }, `${text} and back`)
  }
  t.equal(formatGVariant({ signature: 't', value: 5n }), 'uint64 5')
  t.equal(formatGVariant({ signature: 'ay', value: Uint8Array.from([5, 1]) }), '@ay [5, 1]')
  t.equal(formatGVariant({ signature: 'a(ss)', value: [['a', "it's"]] }), "@a(ss) [('a', 'it\\'s')]")
  t.end()
})

t.test('what is none', (t) => {
  for (const text of [
    '',
    'yes',
    '5 6',
    "'open",
    '[1, true]',
    '[]',
    'byte 256',
    'uint32 -1',
    '@zz 1',
    '(1',
    "@i 'x'",
    '<1',
    "'\\u12'",
    '2147483648',
  ]) {
    t.throws(() => parseGVariant(text), SyntaxError, text)
  }
  t.end()
})

t.test('annotations: names, seconds, and every fault named', (t) => {
  const problems: Problem[] = []
  const properties = annotationProperties(
    {
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
      'org.systemd.property.TimeoutStopSec': 'uint64 5',
      'org.systemd.property.RestartSec': '0.25',
      'org.systemd.property.CPUQuotaPerSecUSec': 'uint64 1',
      'org.systemd.property.Bad Name': '1',
      'org.systemd.property.TimeoutStartSec': "'soon'",
      'org.systemd.property.Broken': '[',
      'some.other': 'thing',
    },
    problems,
  )
  t.same(properties, [
    { name: 'CollectMode', signature: 's', value: 'inactive-or-failed' },
    { name: 'TimeoutStopUSec', signature: 't', value: 5000000n },
    { name: 'RestartUSec', signature: 't', value: 250000n },
    { name: 'CPUQuotaPerSecUSec', signature: 't', value: 1n },
  ])
  t.same(
    problems.map(({ path }) => path),
    ['Bad Name', 'TimeoutStartSec', 'Broken'].map((name) => `annotations["org.systemd.property.${name}"]`),
  )
  t.match(problems[1], { message: /not a number of seconds/ })
  t.end()
})
