import t from 'tap'
import { RuntError } from '../errors.ts'
import { planWith, stepsOf } from './fixtures/plan-of.ts'
import { classicData, isLong, optionName, refuseLong, separateLayers, splitData } from './mount-data.ts'
import type { DataOption } from './mount-options.ts'

const options = (...texts: string[]): DataOption[] => texts.map((text, index) => ({ text, index }))
const split = (type: string, ...texts: string[]) =>
  splitData(type, options(...texts)).map(({ text, index }) => `${index} ${text}`)

t.test('one option string may hold several options', (t) => {
  t.same(split('tmpfs', 'size=1m', 'mode=700'), ['0 size=1m', '1 mode=700'])
  t.same(split('tmpfs', 'size=1m,mode=700', ',x,,y,'), ['0 size=1m', '0 mode=700', '1 x', '1 y'])
  t.same(split('ext4', 'context="a:b:c0,c1",quota'), ['0 context=a:b:c0,c1', '0 quota'], 'a label in quotes')
  t.same(split('ext4', 'name="a,b"'), ['0 name="a,b"'], 'other quotes are the file system’s')
  t.same(split('ext4', 'name="a,b'), ['0 name="a,b'], 'quotes that do not end')
  t.same(split('tmpfs', 'a=\\,b'), ['0 a=\\', '0 b'], 'no escapes')
  t.same(split('overlay', 'lowerdir=/a\\,b:/c,upperdir=/"d"'), ['0 lowerdir=/a\\,b:/c', '0 upperdir=/"d"'], 'but here')
  t.end()
})

t.test('the text of mount(2)', (t) => {
  t.equal(classicData(options('ro', 'context=a:b:c0,c1', 'fscontext=a:b')), 'ro,context="a:b:c0,c1",fscontext=a:b')
  t.equal(classicData(options('x'.repeat(4095)))?.length, 4095)
  t.equal(classicData(options('x'.repeat(4096))), undefined)
  t.equal(classicData(options('ä'.repeat(2048))), undefined, 'bytes are counted')
  t.end()
})

t.test('layers one by one', (t) => {
  const layers = (text: string) => separateLayers(options(`lowerdir=${text}`)).map((option) => option.text)
  t.same(layers('/a:/b'), ['lowerdir+=/a', 'lowerdir+=/b'])
  t.same(layers('/a\\:b\\\\:/c\\,d'), ['lowerdir+=/a:b\\', 'lowerdir+=/c,d'], 'without escapes')
  t.same(layers('/a::/b::/c'), ['lowerdir+=/a', 'datadir+=/b', 'datadir+=/c'], 'layers of data')
  t.same(separateLayers(options('upperdir=/u')), options('upperdir=/u'))
  t.end()
})

t.test('too long', (t) => {
  const [fits, long] = [{ text: `a=${'x'.repeat(255)}` }, { text: `a=${'x'.repeat(256)}`, index: 2 }]
  t.equal(isLong(fits), false)
  t.equal(isLong(long), true)
  t.equal(isLong({ text: `a=${'ä'.repeat(128)}` }), true)
  refuseLong('mounts[1] (x at /y)', [fits])
  t.throws(() => refuseLong('mounts[1] (x at /y)', [fits, long]), {
    message:
      'mounts[1].options[2] (x at /y): a: is 256 bytes long, where fsconfig(2) takes 255 and mount(2) 4095 of all options together',
  })
  t.throws(() => refuseLong('mounts[1] (x at /y)', [{ text: 'x'.repeat(300) }]), /\(x at \/y\): the option: is 300/)
  t.equal(optionName('mounts[1] (x at /y)', undefined), 'mounts[1] (x at /y)')
  t.end()
})

t.test('an overlay of many layers, a long source, and options that are too long', (t) => {
  const lower = Array.from({ length: 50 }, (_, index) => `/layers/${'x'.repeat(90)}${index}`)
  const overlay = (...more: string[]) => ({
    destination: '/o',
    type: 'overlay',
    source: 'overlay',
    options: ['ro', `lowerdir=${lower.join(':')}`, ...more],
  })
  const plan = planWith({ mounts: [overlay()] })
  t.same(
    stepsOf(plan, 'fsconfig').flatMap(({ from, key, value }) =>
      from.startsWith('mounts[0].options[1] (overlay at /o)') ? [`${key} ${value}`] : [],
    ),
    lower.map((layer) => `lowerdir+ ${layer}`),
  )
  t.throws(() => planWith({ mounts: [overlay(`upperdir=/${'u'.repeat(255)}`)] }), RuntError)
  const nfs = { destination: '/n', type: 'nfs', source: `host:/${'x'.repeat(300)}`, options: ['vers=4'] }
  t.match(stepsOf(planWith({ mounts: [nfs] }), 'mount'), [{ source: nfs.source, data: 'vers=4' }])
  t.end()
})
