import t from 'tap'
import { undoWrite } from './undo-write.ts'

t.test('the write that undoes another', (t) => {
  for (const [data, text, expected] of [
    ['50', '100\n', '100'],
    ['max 100000', '5000 100000\n', '5000 100000'],
    ['a', '', undefined],
    ['3', '1\n2\n', undefined],
    ['8:0 1000', '', '8:0 0'],
    ['8:0 1000', '8:16 7\n8:0 500\n', '8:0 500'],
    ['8:0 rbps=1000', '', '8:0 rbps=max'],
    ['8:0 rbps=1000', '8:0 rbps=max wbps=7 riops=max wiops=max\n', '8:0 rbps=max'],
    ['8:0 wbps=1000', '8:0 rbps=max wbps=7 riops=max wiops=max\n', '8:0 wbps=7'],
    ['8:0 300', 'default 100\n8:0 200\n', '8:0 200'],
  ] as const) {
    t.equal(undoWrite(data, text), expected, `${data} over ${JSON.stringify(text)}`)
  }
  t.end()
})
