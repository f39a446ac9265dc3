import t from 'tap'
import { RuntError } from '../errors.ts'
import { fc } from '../testing/random.ts'
import { type LimitFlags, resourcesOfFlags } from './update-flags.ts'

const given = (flags: { readonly [name: string]: string }): string | undefined => resourcesOfFlags(flags as LimitFlags)

t.test('flags of update become a part of linux.resources', (t) => {
  t.equal(given({}), undefined)
  t.equal(given({ memory: '' }), undefined)
  t.equal(
    given({ memory: '50M', 'memory-swap': '-1', 'pids-limit': '-1', 'cpuset-cpus': '0-1' }),
    '{"cpu":{"cpus":"0-1"},"memory":{"limit":52428800,"swap":-1},"pids":{"limit":-1}}',
  )
  t.equal(given({ 'cpu-idle': '1', 'cpu-quota': '5000' }), '{"cpu":{"quota":5000,"idle":1}}')
  t.end()
})

t.test('sizes', (t) => {
  const size = (text: string): string | undefined => given({ memory: text })?.slice('{"memory":{"limit":'.length, -2)
  t.equal(size('1'), '1')
  t.equal(size('1b'), '1')
  t.equal(size('1.5g'), '1610612736')
  t.equal(size('32 kib'), '32768')
  t.equal(size('1T'), '1099511627776')
  t.equal(size('9223372036854775807'), '9223372036854775807', 'no digit is lost')
  for (const text of ['-2', 'm', '1x', '1.m', '0x10', '1 2', '1e3']) {
    t.throws(() => size(text), { code: 'usage', message: /--memory: / }, text)
  }
  t.end()
})

t.test('unsupported changes of update are errors', (t) => {
  t.throws(() => given({ 'pids-limit': 'many' }), /--pids-limit: "many" is not an integer/)
  t.end()
})

t.test('any value of a flag is an exact integer or an error that names the flag', (t) => {
  const part = fc.constantFrom('1', '0', '.', '5', 'k', 'M', 'iB', 'b', '-', '+', ' ', 'e', '9'.repeat(25), '\n', 'x')
  const text = fc.array(part, { minLength: 1 }).map((parts) => parts.join(''))
  const check = (name: string, value: string): boolean => {
    try {
      return /^\{"\w+":\{"\w+":-?\d+\}\}$/.test(given({ [name]: value }) ?? '')
    } catch (error) {
      return error instanceof RuntError && error.code === 'usage' && error.message.startsWith(`--${name}: `)
    }
  }
  const flag = fc.constantFrom('memory', 'memory-swap', 'pids-limit', 'cpu-quota', 'cpu-share', 'blkio-weight')
  t.doesNotThrow(() => fc.assert(fc.property(flag, text, check), { numRuns: 2000 }))
  t.end()
})
