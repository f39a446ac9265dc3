/*
 * scripts/retry-failed.sh: which test files run a second time, and what becomes of the results.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from './project.ts'

const subtest = (name: string, result: string, note = ''): string =>
  `# Subtest: ${name}\n    ok 1 - part${note}\n${result} - ${name}\n`

/** Runs the script. `again` is a shell command that writes the second result of the file $1 to $2. */
const retry = (t: Test, tap: string, planned: readonly string[], again: string) => {
  const dir = mkdtempSync(join(tmpdir(), 'runt-retry-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const [stream, names] = [join(dir, 'tap'), join(dir, 'planned')]
  writeFileSync(stream, tap)
  writeFileSync(names, planned.map((name) => `${name}\n`).join(''))
  const script = join(projectRoot, 'scripts/retry-failed.sh')
  const { status, stdout } = spawnSync(script, [stream, names, 'sh', '-c', again, 'sh'], { encoding: 'utf8' })
  return { status, stdout, tap: readFileSync(stream, 'utf8') }
}
const write = (result: string) => `printf '# Subtest: %s\\n    ok 1 - part, again\\n${result} - %s\\n' "$1" "$1" >"$2"`

const [good, bad] = [subtest('root: a', 'ok'), subtest('root: b', 'not ok')]
const planned = ['root: a', 'root: b']

t.test('a file that passes at the second time is flaky, and the new result counts', async (t) => {
  const { status, stdout, tap } = retry(t, bad + good, planned, write('ok'))
  t.equal(status, 0)
  t.match(stdout, /^flaky: root: b failed and passed when it ran alone; see .*\n$/)
  t.equal(tap, good + subtest('root: b', 'ok', ', again'))
})

t.test('a file that fails again is a failure', async (t) => {
  const { status, stdout, tap } = retry(t, good + bad, planned, write('not ok'))
  t.match({ status, stdout }, { status: 1, stdout: '' })
  t.equal(tap, good + subtest('root: b', 'not ok', ', again'))
})

t.test('a file without a result runs', async (t) => {
  const { status, tap } = retry(t, good, planned, write('ok'))
  t.equal(status, 0)
  t.equal(tap, good + subtest('root: b', 'ok', ', again'))
})

t.test('the old result stays if there is no new one', async (t) => {
  t.match(retry(t, good + bad, planned, 'exit 1'), { status: 0, stdout: '', tap: good + bad })
})

t.test('files that passed do not run again', async (t) => {
  t.match(retry(t, good, ['root: a'], write('not ok')), { status: 0, stdout: '', tap: good })
})
