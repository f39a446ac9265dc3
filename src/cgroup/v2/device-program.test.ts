import t from 'tap'
import type { DeviceRule } from '../../config/config.ts'
import { fc } from '../../testing/random.ts'
import { ALL_RIGHTS, deviceRules, type FullRule, RIGHTS } from '../device-rules.ts'
import { compileDeviceProgram } from './device-program.ts'

interface Request {
  readonly type: 'b' | 'c'
  readonly major: bigint
  readonly minor: bigint
  readonly access: string
}

t.test('the interpreted program decides like the list of rules', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRule(), { maxLength: 12 }),
      fc.array(anyRequest(), { minLength: 1, maxLength: 20 }),
      (rules, requests) => {
        const program = compileDeviceProgram(rules)
        for (const request of requests) {
          const expected = read(rules, request)
          const got = program === undefined ? 1 : run(program, request)
          if ((got === 1) !== expected)
            throw new Error(`${JSON.stringify(request, bigints)}: program ${got}, rules ${expected}`)
        }
      },
    ),
    { numRuns: 2000 },
  )
  t.pass('2000 lists of rules')
  t.end()
})

t.test('one right denied after all were allowed stays denied in a combined request', (t) => {
  const rules = fullRules([
    { allow: true, type: 'c', major: 10n, minor: 1n, access: 'rwm' },
    { allow: false, type: 'c', major: 10n, minor: 1n, access: 'w' },
  ])
  const program = compileDeviceProgram(rules)!
  const ask = (access: string) => run(program, { type: 'c', major: 10n, minor: 1n, access })
  t.equal(ask('r'), 1)
  t.equal(ask('w'), 0)
  t.equal(ask('rw'), 0)
  t.end()
})

t.test('a config without rules: the default devices and nothing else', (t) => {
  const program = compileDeviceProgram(fullRules([]))!
  t.equal(run(program, { type: 'c', major: 1n, minor: 3n, access: 'rw' }), 1, '/dev/null')
  t.equal(run(program, { type: 'c', major: 136n, minor: 77n, access: 'rw' }), 1, 'a pseudo terminal')
  t.equal(run(program, { type: 'b', major: 8n, minor: 0n, access: 'm' }), 1, 'a node may be made')
  t.equal(run(program, { type: 'b', major: 8n, minor: 0n, access: 'r' }), 0, 'but not opened')
  t.equal(run(program, { type: 'c', major: 1n, minor: 1n, access: 'r' }), 0, '/dev/mem')
  t.end()
})

t.test('type a with numbers or fewer letters only allows these', (t) => {
  const program = compileDeviceProgram(fullRules([{ allow: true, major: 1n, minor: 1n, access: 'r' }]))!
  t.equal(run(program, { type: 'c', major: 1n, minor: 1n, access: 'r' }), 1)
  t.equal(run(program, { type: 'c', major: 1n, minor: 1n, access: 'w' }), 0)
  t.equal(run(program, { type: 'b', major: 8n, minor: 0n, access: 'r' }), 0)
  t.end()
})

t.test('numbers with the highest bit set', (t) => {
  const program = compileDeviceProgram(
    fullRules([{ allow: true, type: 'c', major: 4294967295n, minor: 2147483648n, access: 'r' }]),
  )!
  t.equal(run(program, { type: 'c', major: 4294967295n, minor: 2147483648n, access: 'r' }), 1)
  t.equal(run(program, { type: 'c', major: 4294967295n, minor: 2147483647n, access: 'r' }), 0)
  t.end()
})

t.test('golden: one narrow rule', (t) => {
  const rule: FullRule = { allow: true, type: 'c', major: 1, minor: undefined, device: '', rights: RIGHTS.r, from: '' }
  t.same(words(compileDeviceProgram([rule])!), [
    '61 12 0 0', // r2 = *(u32 *)(r1 + 0)
    'bc 23 0 0', // w3 = w2
    '54 02 0 65535', // w2 &= 0xffff
    '74 03 0 16', // w3 >>= 16
    '61 14 4 0', // r4 = *(u32 *)(r1 + 4)
    '61 15 8 0', // r5 = *(u32 *)(r1 + 8)
    '56 02 5 2', // if w2 != BPF_DEVCG_DEV_CHAR goto +5
    '56 04 4 1', // if w4 != 1 goto +4
    '54 03 0 5', // w3 &= ~BPF_DEVCG_ACC_READ
    '56 03 2 0', // if w3 != 0 goto +2
    'b4 00 0 1', // w0 = 1
    '95 00 0 0', // exit
    'b4 00 0 0', // w0 = 0
    '95 00 0 0', // exit
  ])
  t.end()
})

function fullRules(devices: readonly DeviceRule[]): FullRule[] {
  return deviceRules(devices)
}

/** A direct evaluation of the rules: for each right, the last rule that matches the device and names the right. */
function read(rules: readonly FullRule[], request: Request): boolean {
  return [...request.access].every((right) => {
    const last = rules.findLast(
      (rule) =>
        (rule.type === 'a' || rule.type === request.type) &&
        (rule.major === undefined || rule.major === Number(request.major)) &&
        (rule.minor === undefined || rule.minor === Number(request.minor)) &&
        (rule.rights & RIGHTS[right as keyof typeof RIGHTS]) !== 0,
    )
    return last?.allow ?? false
  })
}

/** Just enough of an eBPF interpreter (kernel Documentation/bpf/standardization/instruction-set.rst). */
function run(program: Uint8Array, request: Request): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const rights = [...request.access].reduce((mask, letter) => mask | { m: 1, r: 2, w: 4 }[letter]!, 0)
  const context = [((rights << 16) | { b: 1, c: 2 }[request.type]) >>> 0, Number(request.major), Number(request.minor)]
  const registers = new Array<number>(11).fill(-1)
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const code = view.getUint8(pc * 8)
    const dst = view.getUint8(pc * 8 + 1) & 15
    const src = view.getUint8(pc * 8 + 1) >> 4
    const offset = view.getInt16(pc * 8 + 2, true)
    const immediate = view.getInt32(pc * 8 + 4, true) >>> 0
    const value = registers[dst]!
    if (code === 0x95) return registers[0]!
    else if (code === 0x61) registers[dst] = context[offset / 4]!
    else if (code === 0x54) registers[dst] = (value & immediate) >>> 0
    else if (code === 0x74) registers[dst] = value >>> immediate
    else if (code === 0xb4) registers[dst] = immediate
    else if (code === 0xbc) registers[dst] = registers[src]!
    else if (code === 0x56) pc += value === immediate ? 0 : offset
    else if (code === 0x16) pc += value === immediate ? offset : 0
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('ran off the end')
}

function words(program: Uint8Array): string[] {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  return Array.from({ length: program.length / 8 }, (_, i) => {
    const registers = hex(view.getUint8(i * 8 + 1))
    return `${hex(view.getUint8(i * 8))} ${registers} ${view.getInt16(i * 8 + 2, true)} ${view.getInt32(i * 8 + 4, true)}`
  })
}

// Few numbers, so that rules and requests often match.
function anyNumber(): fc.Arbitrary<bigint> {
  return fc.constantFrom(0n, 1n, 2n, 4294967295n)
}

function anyAccess(): fc.Arbitrary<string> {
  return fc.constantFrom('r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm')
}

function anyRule(): fc.Arbitrary<FullRule> {
  const narrow = fc.record({
    allow: fc.boolean(),
    type: fc.constantFrom('b' as const, 'c' as const),
    major: fc.option(anyNumber().map(Number), { nil: undefined }),
    minor: fc.option(anyNumber().map(Number), { nil: undefined }),
    device: fc.constant(''),
    rights: fc.integer({ min: 1, max: ALL_RIGHTS }),
    from: fc.constant(''),
  })
  const all = fc.boolean().map(
    (allow): FullRule => ({
      allow,
      type: 'a',
      major: undefined,
      minor: undefined,
      device: '',
      rights: ALL_RIGHTS,
      from: '',
    }),
  )
  return fc.oneof({ weight: 6, arbitrary: narrow }, { weight: 1, arbitrary: all })
}

function anyRequest(): fc.Arbitrary<Request> {
  return fc.record({
    type: fc.constantFrom('b' as const, 'c' as const),
    major: anyNumber(),
    minor: anyNumber(),
    access: anyAccess(),
  })
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
