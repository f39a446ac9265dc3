/*
 * list: the containers of a state root as a table, as JSON, or as ids only, sorted by id (runc-list(8)).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { probing } from '../../harness/probe.ts'
import { scenario, until } from '../../harness/scenario.ts'

scenario('list of three containers', { peers: { crun: 'another table' } }, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const ids = [box.id(), box.id(), box.id()].sort()
  const [one = '', two = '', three = ''] = ids
  for (const id of [two, three, one]) t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  t.equal(box.call(['start', two]).status, 0)
  t.equal(box.call(['kill', three, 'KILL']).status, 0)
  await until(() => box.state(three)?.status === 'stopped', 'stopped')

  t.equal(box.call(['list', '--quiet']).stdout, `${ids.join('\n')}\n`)
  t.equal(box.call(['list', '-q']).stdout, `${ids.join('\n')}\n`)

  const rows = box.call(['list']).stdout.split('\n')
  t.match(rows[0], /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/)
  const at = (rows[0] ?? '').indexOf('STATUS')
  for (const [index, status] of ['created', 'running', 'stopped'].entries()) {
    const cells = (rows[index + 1] ?? '').split(/ +/)
    t.match(cells, [ids[index], String(box.state(ids[index] ?? '')?.pid), status, bundle.dir, /^\d{4}-.*Z$/, 'root'])
    t.equal((rows[index + 1] ?? '').indexOf(status), at, 'columns are aligned')
  }
  t.equal(rows[4], '', 'nothing after the last line')

  const json = box.call(['list', '--format', 'json']).stdout
  t.equal(json.split('\n').filter((line) => line !== '').length, 1, 'one line')
  const objects = JSON.parse(json)
  t.match(objects, [
    { id: one, status: 'created', bundle: bundle.dir, rootfs: bundle.rootfs, owner: 'root' },
    { id: two, status: 'running', pid: box.state(two)?.pid },
    { id: three, status: 'stopped', pid: 0 },
  ])
  t.equal(json.trimEnd(), JSON.stringify(objects), 'compact')
  t.same(Object.keys(objects[0]).slice(0, 7), ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created'])
  t.equal(box.call(['list', '-f', 'json']).stdout, json)

  for (const id of ids) t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('list of an empty root', { peers: { crun: 'another table' } }, (t, box) => {
  t.match(box.call(['list']).stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/)
  t.equal(box.call(['list', '--quiet']).stdout, '')
  t.match(box.call(['list', '--format', 'json']).stdout, /^(null|\[\])\n?$/)
})

scenario('list of a root that does not exist', { peers: { runc: '1.1 lists nothing', crun: 'makes it' } }, (t, box) => {
  const result = box.call(['list'], { root: join(box.dir, 'missing') })
  t.equal(result.status, 1)
  t.match(result.stderr, /missing/)
})

scenario('list skips entries that are no containers', { peers: { crun: 'stops at the first' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  mkdirSync(join(box.root, 'aaa-empty'))
  mkdirSync(join(box.root, 'aab-broken'))
  writeFileSync(join(box.root, 'aab-broken/state.json'), '{"truncat')
  writeFileSync(join(box.root, 'aac-file'), '')
  const result = box.call(['list', '--quiet'])
  t.equal(result.status, 0)
  t.equal(result.stdout, `${id}\n`)
  for (const name of ['aaa-empty', 'aab-broken', 'aac-file']) rmSync(join(box.root, name), { recursive: true })
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('list in an unknown format', { peers: { crun: 'prints a table' } }, (t, box) => {
  const result = box.call(['list', '--format', 'yaml'])
  t.equal(result.status, 1)
  t.match(result.stderr, /format/)
})
