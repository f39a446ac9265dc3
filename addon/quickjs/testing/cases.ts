// Calls every function of the test addon and writes its result, one line each. The same file runs on Node and on the
// static host; conformance/cases/embed/node-api.test.ts compares the two outputs with each other and with the expected
// one.

type Probe = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>

const show = (value: unknown): string => {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return `function ${value.name}`
  if (ArrayBuffer.isView(value))
    return `bytes ${new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join(' ')}`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (Object.is(value, -0)) return '-0'
  return String(value)
}

const thrown = (run: () => unknown): string => {
  try {
    return show(run())
  } catch (error) {
    if (!(error instanceof Error)) return `threw ${show(error)}`
    const keys = Object.keys(error).filter((key) => key !== 'stack')
    const { code, errno } = error as Error & { code?: unknown; errno?: unknown }
    return `${error.name}: ${error.message} code=${show(code)} errno=${show(errno)} keys=${keys.join()} is=${error instanceof TypeError},${error instanceof RangeError}`
  }
}

const texts = ['', 'plain', 'nul\0inside', 'ä€𝄞', 'a\ud834b', '\udd1e', '\ud834\udd1e', 'x'.repeat(1000)]
const invalid = [
  [0xff],
  [0xc3],
  [0xc3, 0x28],
  [0xe2, 0x82],
  [0xe2, 0x82, 0x41],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9d, 0x84],
  [0xc0, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0x61, 0x80, 0x80, 0x62],
  [0xe0, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
]
const numbers = [0, -0, 1.9, -1.9, 2 ** 31, 2 ** 32 + 5, -(2 ** 31) - 1, 2 ** 53, 1e300, -1e300, NaN, Infinity]
const bigInts = [
  0n,
  -1n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n - 1n,
  2n ** 64n,
  2n ** 70n,
]

const values = (native: Probe): readonly (readonly [string, string])[] => [
  ...[undefined, null, true, 1, 1.5, 'x', Symbol('s'), {}, [], () => 1, 5n, 2n ** 90n, native.external?.()].map(
    (value, i) => [`typeOf ${i}`, show(native.typeOf?.(value))] as const,
  ),
  ...[undefined, null, true, '12', 0, -0, '', [], [3], 1.5].map(
    (value, i) => [`coerce ${i}`, show(native.coerce?.(value))] as const,
  ),
  ...texts.map((text, i) => [`text ${i}`, show(native.textBytes?.(text))] as const),
  ...invalid.map((bytes) => [`invalid ${bytes}`, show(native.textFromBytes?.(new Uint8Array(bytes)))] as const),
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((size) => [`cut ${size}`, show(native.textCut?.('aä€𝄞', size + 1))] as const),
  ...numbers.map((number) => [`number ${show(number)}`, show(native.numbers?.(number))] as const),
  ...bigInts.map((big) => [`bigint ${big}`, show(native.bigInts?.(big))] as const),
]

const objects = (native: Probe): readonly (readonly [string, string])[] => {
  const object = { b: 1, a: 2, 10: 3, 9: 4, named: 'yes', [Symbol('hidden')]: 5 }
  Object.defineProperty(object, 'invisible', { value: 1, enumerable: false })
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer
  const views = [
    new Uint8Array(buffer, 1, 3),
    new Int8Array(buffer),
    new Uint8ClampedArray(buffer),
    new Int16Array(buffer),
    new Uint16Array(buffer, 2),
    new Int32Array(buffer),
    new Uint32Array(buffer),
    new Float32Array(buffer),
    new Float64Array(buffer),
    new BigInt64Array(buffer),
    new BigUint64Array(buffer),
  ]
  return [
    ['keys', show(native.keys?.(object))],
    ['keys of list', show(native.keys?.(['x', 'y']))],
    ['property', show(native.properties?.(object, 'a'))],
    ['index', show(native.properties?.(object, '9'))],
    ['own number', thrown(() => native.properties?.(object, 9))],
    ['inherited', show(native.properties?.({ __proto__: { a: 1 } }, 'a'))],
    ['absent', show(native.properties?.({}, 'toString2'))],
    ['delete', show(native.delete?.(object, 'b')) + show(Object.keys(object))],
    ['sum', show(native.sum?.([1, 2.5, 3]))],
    ...views.map((view, i) => [`view ${i}`, show(native.bytes?.(view))] as const),
    ...[[], buffer, views[0], new DataView(buffer), show, {}].map(
      (value, i) => [`kinds ${i}`, show(native.kinds?.(value))] as const,
    ),
    ['made', show(native.makeBytes?.()) + show(native.bytes?.(native.makeBytes?.()))],
  ]
}

const calls = (native: Probe): readonly (readonly [string, string])[] => {
  const receiver = { base: 40 }
  const add = function (this: typeof receiver, a: number, b: number): number {
    return this.base + a + b
  }
  const fail = (): never => {
    throw new RangeError('from JavaScript')
  }
  const kept = { kept: true }
  native.keep?.(kept)
  return [
    ['count', show(native.count?.()) + show(native.count?.(1, 2, 3, 4, 5, 6, 7, 8, 9))],
    ['call', show(native.call?.(add, receiver, 1, 1))],
    ['call that throws', thrown(() => native.call?.(fail, receiver))],
    ['not a function', thrown(() => native.call?.(1, receiver))],
    ['catch', show(native.catch?.(fail)) + show(native.catch?.(() => 1))],
    ...[0, 1, 2, 3].map((kind) => [`throw ${kind}`, thrown(() => native.throw?.(kind, 'no: ä\0'))] as const),
    ['wrong type', thrown(() => native.sum?.(['x']))],
    ['external', show(native.fromExternal?.(native.external?.()))],
    ['reference', show(native.kept?.() === kept)],
    [
      'equal',
      show([native.equal?.(1, 1), native.equal?.(1, '1'), native.equal?.(NaN, NaN), native.equal?.(kept, kept)]),
    ],
    ['handles', show(native.handles?.())],
    ['instance', show(native.instance?.())],
    ['name', show(native.count)],
  ]
}

/** Has the signature of the real main(), so that the real host can run it. */
export const main = async (native: Probe, argv: readonly string[]): Promise<number> => {
  const results = [...values(native), ...objects(native), ...calls(native), ['argv', show(argv)] as const]
  native.write?.(1, results.map(([name, result]) => `${name}: ${result}\n`).join(''))
  return argv.length
}
