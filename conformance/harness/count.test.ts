/*
 * scripts/count.mjs: what counts as a failure of a test run, with small TAP streams in tap's format.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from './project.ts'

interface Run {
  readonly tap: string
  readonly status?: number
  readonly planned?: readonly string[]
  readonly allowed?: string
}

const count = (t: Test, { tap, status = 0, planned = [], allowed = '' }: Run) => {
  const dir = mkdtempSync(join(tmpdir(), 'runt-count-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const at = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const args = [
    join(projectRoot, 'scripts/count.mjs'),
    at('tap', tap),
    String(status),
    join(dir, 'counts'),
    'test',
    at('planned', planned.map((name) => `${name}\n`).join('')),
    at('allowed', allowed),
  ]
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const lines = result.stdout.trimEnd().split('\n')
  return { status: result.status, lines, last: lines.at(-1), counts: readFileSync(join(dir, 'counts'), 'utf8'), result }
}

const file = (name: string, body: string, summary = `ok 1 - ${name}`): string =>
  `# Subtest: ${name}\n${body.replace(/^/gm, '    ')}\n${summary}\n\n`
const good = file('a.mjs', '# Subtest: one\n    ok 1 - fine\n    ok 2 - too\n    1..2\nok 1 - one # time=1ms\n\n1..1')
const reason = 'ok 1 - one # SKIP no such controller\nok 2 - two # SKIP no such controller\n1..2'

t.test('assertions are counted, subtests are not counted again', async (t) => {
  const { status, last, counts } = count(t, { tap: good, planned: ['a.mjs'] })
  t.equal(last, '2 passed, 0 failed, 0 skipped')
  t.equal(counts, '2 0 0\n')
  t.equal(status, 0)
})

t.test('a failure is counted where it happened, with its diagnostics', async (t) => {
  const body =
    '# Subtest: one\n    not ok 1 - wrong\n      ---\n      found: 1\n      ...\n    1..1\nnot ok 1 - one\n\n1..1'
  const { status, lines, last } = count(t, { tap: good + file('b.mjs', body, 'not ok 2 - b.mjs'), status: 1 })
  t.equal(last, '2 passed, 1 failed, 0 skipped')
  t.same(lines.slice(0, 2), ['not ok: b.mjs › one › wrong', '  found: 1'])
  t.equal(status, 1)
})

t.test('no test that ran, and a failing status of tap', async (t) => {
  t.match(count(t, { tap: '' }), { status: 1, last: '0 passed, 0 failed, 0 skipped' })
  t.match(count(t, { tap: good, status: 1 }), { status: 1, last: '2 passed, 0 failed, 0 skipped' })
})

t.test('a TODO fails, whether it is ok or not', async (t) => {
  for (const point of ['not ok 1 - later # TODO mend it', 'ok 1 - later # TODO mend it', 'ok 1 - later # todo']) {
    const { status, lines, last } = count(t, { tap: good + file('b.mjs', `${point}\n1..1`, 'ok 2 - b.mjs') })
    t.equal(last, '2 passed, 1 failed, 0 skipped', point)
    t.match(lines[0], /^not ok: b\.mjs › later: TODO/)
    t.equal(status, 1)
  }
})

t.test('a file without a test fails', async (t) => {
  const summaries = ['ok 2 - b.mjs # SKIP no tests found', 'ok 2 - b.mjs # time=1ms']
  for (const summary of summaries) {
    const { status, lines, last } = count(t, { tap: good + file('b.mjs', '1..0 # no tests found', summary) })
    t.equal(last, '2 passed, 1 failed, 0 skipped', summary)
    t.match(lines[0], /^not ok: b\.mjs/)
    t.equal(status, 1)
  }
})

t.test('a property test, which only throws, is an assertion; a number sign in a name is no directive', async (t) => {
  const body = '# Subtest: only throws\n    1..0\nok 1 - only throws # time=1ms\n\nok 2 - about \\# TODO lists\n1..2'
  const { status, last } = count(t, { tap: file('b.mjs', body) })
  t.same({ status, last }, { status: 0, last: '2 passed, 0 failed, 0 skipped' })
})

t.test('a planned file that did not run fails', async (t) => {
  const { status, lines, last } = count(t, { tap: good, planned: ['a.mjs', 'b.mjs'] })
  t.equal(last, '2 passed, 1 failed, 0 skipped')
  t.equal(lines[0], 'not ok: b.mjs: planned, but it did not run')
  t.equal(status, 1)
})

t.test('skips that the list allows are counted', async (t) => {
  const tap = good + file('b.mjs', reason, 'ok 2 - b.mjs')
  const { status, lines, last } = count(t, { tap, allowed: '# about\n\ntest 2 no such .* # not on this machine\n' })
  t.equal(lines[0], 'skipped 2: no such controller')
  t.equal(last, '2 passed, 0 failed, 2 skipped')
  t.equal(status, 0)
})

t.test('skips that the list does not allow fail', async (t) => {
  const tap = good + file('b.mjs', reason, 'ok 2 - b.mjs')
  for (const [allowed, message] of [
    ['', /^not ok: skipped 2, which test must not: no such controller$/],
    ['engine-test 2 no such controller # another suite\n', /which test must not/],
    ['test 2 such # the pattern is for the whole reason\n', /which test must not/],
    ['test 1 no such controller # fewer\n', /^not ok: skipped 1 more than test may: no such controller$/],
  ] as const) {
    const { status, lines, last } = count(t, { tap, allowed })
    t.equal(last, '2 passed, 1 failed, 2 skipped', allowed)
    t.match(lines[1], message)
    t.equal(status, 1)
  }
})

t.test('the list itself: an entry without a reason is an error, and the list of the tree can be read', async (t) => {
  const { status, last } = count(t, { tap: good, allowed: 'test 2 no such controller\n' })
  t.same({ status, last }, { status: 1, last: '2 passed, 1 failed, 0 skipped' })
  const lines = readFileSync(join(projectRoot, 'scripts/allowed-skips.txt'), 'utf8')
  t.equal(count(t, { tap: good, allowed: lines }).status, 0)
})

t.test('a line for each file, when it has ended', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'runt-progress-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'planned'), 'build/test/a.test.mjs\nbuild/test/b.test.mjs\n')
  const input = [
    '# Subtest: build/test/a.test.mjs',
    '    # Subtest: one',
    '        ok 1 - right',
    '        ok 2 - not here # SKIP no criu',
    '    ok 1 - one # time=1000.5ms',
    'ok 1 - build/test/a.test.mjs # time=1200.2ms',
    '# Subtest: build/test/b.test.mjs',
    '    not ok 1 - wrong',
    'not ok 2 - build/test/b.test.mjs # time=90000ms',
    '',
  ].join('\n')
  writeFileSync(join(dir, 'input'), input)
  const args = [join(projectRoot, 'scripts/progress.mjs'), join(dir, 'tap'), join(dir, 'planned')]
  const command = ['sh', '-c', 'cat "$0"; exit 3', join(dir, 'input')]
  const { stdout, status } = spawnSync(process.execPath, [...args, ...command], { encoding: 'utf8' })
  t.equal(status, 3, "the exit status is the command's")
  const [first, second] = stdout.split('\n')
  t.match(first, /^1\/2 ok {5}a\.test\.mjs: 1 ok, 1 skipped, 2 s; 1 s left$/)
  t.equal(second, '2/2 not ok b.test.mjs: 0 ok, 1 not ok, 2 min')
  t.equal(readFileSync(join(dir, 'tap'), 'utf8'), input, 'the stream is copied')
})
