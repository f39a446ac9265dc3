import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { native } from '../entry/node.ts'
import { jsonLine, openLog, printable, textLine } from './log.ts'

const time = '2026-11-21T09:13:08Z'

t.test('lines are logrus’s', async (t) => {
  t.equal(textLine('error', 'a "b"\nc', time), `time="${time}" level=error msg="a \\"b\\"\\nc"\n`)
  t.equal(jsonLine('warning', 'x', time), `{"level":"warning","msg":"x","time":"${time}"}\n`)
})

t.test('--log appends', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'runt-log-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'log.json')
  writeFileSync(file, 'before\n')
  const log = openLog(native, { log: file, 'log-format': 'json', 'log-level': 'warning', debug: false })
  log.debug('not shown')
  log.warn('first')
  log.warn('second\nline')
  const [before, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  t.equal(before, 'before')
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { level: 'warning', msg: 'first', time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ },
      { level: 'warning', msg: 'second\nline' },
    ],
  )
  openLog(native, { log: file, 'log-format': 'text', 'log-level': 'warning', debug: true }).debug('shown')
  t.match(readFileSync(file, 'utf8'), /^time="[^"]+" level=debug msg="shown"$/m)
})

t.test('a log that cannot be written changes nothing', async (t) => {
  openLog(native, { log: '/dev/full', 'log-format': 'json', 'log-level': 'warning', debug: false }).warn('lost')
  t.pass('no exception')
})

t.test('a log that cannot be opened is an error', async (t) => {
  t.throws(() => openLog(native, { log: '/no/such/log', 'log-format': 'json', 'log-level': 'warning', debug: false }), {
    message: '--log /no/such/log: write: ENOENT (no such file or directory)',
  })
})

t.test('control characters in names are escaped', (t) => {
  t.equal(printable('a\u001b[31mb\u0007c\u009bd\re'), 'a\\x1b[31mb\\x07c\\x9bd\\x0de')
  t.equal(printable('two\twords of ünïcode 🙂'), 'two\twords of ünïcode 🙂')
  t.end()
})

const breaks = 'a\nb\u0085c\u2028d\u2029e\u202ef\u2066g'

t.test('a message is one line without direction marks', (t) => {
  t.equal(printable(breaks), 'a\\nb\\x85c\\u2028d\\u2029e\\u202ef\\u2066g')
  for (const line of [jsonLine('error', breaks, time), textLine('error', breaks, time)]) {
    t.match(line, 'a\\nb\\u0085c\\u2028d\\u2029e\\u202ef\\u2066g')
    t.match(line, /^[\x20-\x7e]*\n$/)
  }
  t.equal(JSON.parse(jsonLine('error', breaks, time)).msg, breaks, 'a parser has it as it was')
  t.end()
})
