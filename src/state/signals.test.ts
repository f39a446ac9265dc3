import { constants } from 'node:os'
import t from 'tap'
import { signalNumber } from './signals.ts'

t.test('names are those of the kernel', async (t) => {
  for (const [name, number] of Object.entries(constants.signals)) {
    t.equal(signalNumber(name), number, name)
    t.equal(signalNumber(name.slice(3).toLowerCase()), number)
  }
})

t.test('numbers and real-time signals', async (t) => {
  for (const [text, number] of [
    ['0', 0],
    ['9', 9],
    ['64', 64],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['rtmax-1', 63],
    ['RTMAX', 64],
  ] as const) {
    t.equal(signalNumber(text), number, text)
  }
})

t.test('invalid signals', async (t) => {
  for (const text of [
    '',
    '-1',
    '65',
    '1x',
    ' 9',
    '9999999999',
    'NOSUCH',
    'SIG',
    'RTMIN+31',
    'RTMAX+1',
    'constructor',
  ]) {
    t.equal(signalNumber(text), undefined, JSON.stringify(text))
  }
})
