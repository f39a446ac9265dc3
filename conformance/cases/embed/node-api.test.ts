/*
 * Node-API on QuickJS (addon/quickjs) compared with Node itself: the same test addon and the same calls must give the
 * same results on Node, on the static host, and on the static host started from its snapshot. For a few calls the
 * expected results are listed; the project relies on all being equal.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { main } from '../../../addon/quickjs/testing/cases.ts'
import { projectRoot } from '../../harness/project.ts'

const probe = join(projectRoot, process.env.RUNT_BUILD ?? 'build', 'probe')
const argv = ['a', 'ä', 'b\tc']

const onNode = async (): Promise<string> => {
  const addon = createRequire(import.meta.url)(join(probe, 'probe.node'))
  let text = ''
  const write = (_fd: number, piece: string): void => {
    text += piece
  }
  await main({ ...addon, write }, argv)
  return text
}

const byName = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  )

for (const host of ['host', 'snapshot']) {
  t.test(host, async (t) => {
    const expected = byName(await onNode())
    const run = spawnSync(join(probe, host), argv, { encoding: 'utf8', env: { ...process.env, LD_PRELOAD: '' } })
    t.equal(run.stderr, '')
    t.equal(run.status, argv.length, "the exit status is main()'s result")
    const found = byName(run.stdout)
    t.same([...found.keys()], [...expected.keys()])
    for (const [name, value] of expected) t.equal(found.get(name), value, name)
  })
}

t.test('Node-API functions behave alike on both hosts', async (t) => {
  const results = byName(await onNode())
  t.equal(results.get('bigint 18446744073709551615'), '[-1n, false, 18446744073709551615n, true]')
  t.equal(results.get('bigint -9223372036854775808'), '[-9223372036854775808n, true, 9223372036854775808n, false]')
  t.equal(results.get('text 2'), `bytes ${[...Buffer.from('nul\0inside')].join(' ')}`)
  t.equal(results.get('keys'), '["9", "10", "b", "a", "named"]')
  t.match(results.get('throw 0'), /^Error: no: ä\0 code="ENOENT" errno=2/)
})
