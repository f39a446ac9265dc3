import t from 'tap'
import { formatFindings, locate } from './findings.ts'

const text = '{\n  "b": [1,\n    2],\n  "a": "x"\n}'
const file = '/bundle/config.json'

t.test('findings have places, in the order of the file, and no doubles', async (t) => {
  const found = [
    { path: 'a', message: 'm' },
    { path: 'b[1]', message: 'm', suggestion: '3' },
    { path: 'a', message: 'm' },
    { path: 'a', message: 'n', ofKey: true as const },
    { path: 'c.d', message: 'is required' },
    { path: '', message: 'p', position: { line: 2, column: 9 } },
  ]
  t.same(locate(found, { file, text }), [
    { file, line: 1, column: 1, path: 'c.d', message: 'is required' },
    { file, line: 2, column: 9, path: '', message: 'p' },
    { file, line: 3, column: 5, path: 'b[1]', message: 'm', suggestion: '3' },
    { file, line: 4, column: 3, path: 'a', message: 'n' },
    { file, line: 4, column: 8, path: 'a', message: 'm' },
  ])
  t.same(locate([], { file, text: 'not read' }), [])
})

t.test('the text: one line each, problems and warnings in one order', async (t) => {
  const [first, second] = locate(
    [
      { path: 'b', message: 'one\nline \u202e' },
      { path: 'a', message: 'm', suggestion: 'y' },
    ],
    { file, text },
  )
  t.equal(
    formatFindings({ problems: second ? [second] : [], warnings: first ? [first] : [] }, file),
    `${file}:2:8: warning: b: one\\nline \\u202e\n${file}:4:8: a: m; did you mean y?\n`,
  )
  t.equal(
    formatFindings({ problems: [], warnings: second ? [second] : [] }, '-'),
    `${file}:4:8: warning: a: m; did you mean y?\n-: ok\n`,
  )
})
