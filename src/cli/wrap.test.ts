import t from 'tap'
import { wrap } from './wrap.ts'

t.test('lines break at spaces', async (t) => {
  t.equal(wrap('a b c', 5), 'a b c')
  t.equal(wrap('a b c d', 5), 'a b c\nd')
  t.equal(wrap('', 5), '')
  t.equal(wrap('a\n\nb c', 2), 'a\n\nb\nc')
  t.equal(wrap('  indented too', 10), '  indented\n  too')
  t.equal(wrap('averylongword a b', 4), 'aver\nylon\ngwor\nd a\nb', 'a longer word breaks anywhere')
  t.equal(wrap('a averylong', 5), 'a\navery\nlong')
  t.equal(wrap('    deep', 3), '    d\n    e\n    e\n    p')
  for (let width = 1; width < 40; width++)
    for (const line of wrap('The quick brown fox, CONTROLLER[,CONTROLLER]:PATH and a dog', width).split('\n'))
      t.ok(line.length <= width, `${width}: ${line}`)
})
