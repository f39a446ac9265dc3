// Calls every function of the addon with wrong arguments, and writes what each call threw, one line each. The same file runs on
// Node and on the static host, for src/native-arguments.test.ts.

import { brokenPlans, launches } from './broken-plans.ts'
import { type Addon, expect, fail, type Outcome, outcomeOf } from './outcome.ts'
import { functions, type Parameter } from './parameters.ts'

/** Valid values, for the parameters before and after the invalid one. No call gets as far as using them. */
const rightValues: Readonly<Record<Parameter['kind'], unknown>> = {
  path: '/nowhere',
  data: '',
  word: 'try',
  bytes: new Uint8Array(1),
  list: ['/nowhere'],
  object: {},
  integer: 1_000_000,
}
const rightOf = ({ kind, highest, name }: Parameter): unknown => {
  if (kind === 'word') return ({ wait: 'try', answer: 'error', end: 'go-on' } as Record<string, string>)[name]
  return kind === 'integer' ? Math.min(1_000_000, highest ?? 0) : rightValues[kind]
}

const hostile = {
  toString: fail,
  valueOf: fail,
  [Symbol.toPrimitive]: fail,
  get length() {
    return fail()
  },
}
const cyclic: unknown[] = []
cyclic.push(cyclic)
const detached = new Uint8Array(8)

const values: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['true', true],
  ['5', 5],
  ['-1', -1],
  ['-2', -2],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['1.5', 1.5],
  ['2^31', 2 ** 31],
  ['2^53', 2 ** 53],
  ['-2^63', -(2 ** 63)],
  ['1e300', 1e300],
  ["''", ''],
  ["'x'", 'x'],
  ["'5'", '5'],
  ["'a\\0b'", 'a\0b'],
  ['a long text with a NUL', `${'x'.repeat(5000)}\0`],
  ['a symbol', Symbol('s')],
  ['{}', {}],
  ['a hostile object', hostile],
  ['[]', []],
  ['a cyclic array', cyclic],
  ['a huge array', new Array(2 ** 32 - 1)],
  ['a function', fail],
  ['5n', 5n],
  ['2n ** 70n', 2n ** 70n],
  ['Uint8Array', new Uint8Array(3)],
  ['Int8Array', new Int8Array(3)],
  ['ArrayBuffer', new ArrayBuffer(3)],
]

/** Whether the value is allowed for the parameter. */
function fits(value: unknown, { kind, optional, lowest = 0, highest = 0 }: Parameter): boolean {
  if (optional && value === undefined) return true
  if (kind === 'integer') return Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest
  if (kind === 'path') return typeof value === 'string' && !value.includes('\0')
  if (kind === 'data') return typeof value === 'string'
  if (kind === 'bytes') return value instanceof Uint8Array
  // The contents of lists, plans and options have their own cases.
  return kind === 'list' ? Array.isArray(value) : kind === 'object' && typeof value === 'object' && value !== null
}

function refusals(native: Addon, name: string, parameters: readonly Parameter[]): readonly Outcome[] {
  const right = parameters.map(rightOf)
  const call = (args: readonly unknown[], index: number, what: string): Outcome => {
    const result = outcomeOf(() => native[name]?.(...args))
    const { name: argument } = parameters[index] as Parameter
    const isRight = ['TypeError', 'RangeError'].some((kind) => result.startsWith(`${kind}: ${name}: ${argument}: `))
    return { name: `${name} ${argument} ${what}`, result, isRight }
  }
  return parameters.flatMap((parameter, index) => [
    ...(parameter.optional ? [] : [call(right.slice(0, index), index, 'missing')]),
    ...values
      .filter(([, value]) => !fits(value, parameter))
      .map(([what, value]) => call(right.with(index, value), index, what)),
  ])
}

const programs = (native: Addon): readonly Outcome[] => {
  const run = (argv: unknown): unknown => native.runProgram?.(argv)
  const hidden = Object.defineProperty(['/bin/true'], 0, { get: fail })
  return [
    expect('runProgram []', 'TypeError: runProgram: argv: must not be empty', () => run([])),
    expect('runProgram [5]', 'TypeError: runProgram: argv: must be a string', () => run([5])),
    expect('runProgram NUL', 'TypeError: runProgram: argv: must not hold a NUL', () => run(['/bin/true', '\0'])),
    expect('runProgram cyclic', 'TypeError: runProgram: argv: must be a string', () => run(cyclic)),
    expect('runProgram huge', 'Error: execve: E2BIG', () => run(new Array(2 ** 32 - 1))),
    expect('runProgram getter', 'Error: from a getter', () => run(hidden)),
  ]
}

/** Values that look invalid and are allowed. */
const allowed = (native: Addon): readonly Outcome[] => [
  expect('isTerminal -0', 'gave boolean', () => native.isTerminal?.(-0)),
  expect('env with half a surrogate pair', 'gave undefined', () => native.env?.('\ud800')),
  expect('more arguments than parameters', 'gave string', () => native.cwd?.(hostile, 5n)),
  expect('an optional argument', 'Error: read /nowhere: ENOENT', () => native.readFile?.('/nowhere', undefined)),
]

const bytesOf = (native: Addon): readonly Outcome[] => {
  const { buffer } = detached as { buffer: ArrayBuffer & { transfer?: () => unknown } }
  buffer.transfer?.()
  return [
    expect('exchange of detached bytes', 'Error: recvmsg: EBADF', () => native.exchange?.(1_000_000, detached)),
    expect('exchange of nothing', 'Error: recvmsg: EBADF', () => native.exchange?.(1_000_000, new Uint8Array(0))),
  ]
}

/** Has the signature of the real main(), so that the real host can run it. */
export const main = async (native: Addon): Promise<number> => {
  const unknown = Object.keys(native).filter((name) => !Object.hasOwn(functions, name))
  const all = [
    ...unknown.map((name) => ({ name, result: 'has no parameters here', isRight: false })),
    ...Object.entries(functions).flatMap(([name, parameters]) => refusals(native, name, parameters)),
    ...programs(native),
    ...allowed(native),
    ...bytesOf(native),
    ...brokenPlans(native),
    ...launches(native),
  ]
  native.write?.(
    1,
    all.map(({ name, result, isRight }) => `${isRight ? 'right' : 'WRONG'} ${name}: ${result}\n`).join(''),
  )
  return 0
}
