/*
 * start: starts the process of a created container (runtime.md, "start"), once, and not before.
 */
import { probing } from '../../harness/probe.ts'
import { scenario, until } from '../../harness/scenario.ts'

scenario('start runs the process once', { peers: { crun: 'fails with other words' } }, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(created.status, 0, created.stderr)
  const pid = box.state(id)?.pid
  const started = box.call(['start', id])
  t.match(started, { status: 0, stdout: '', stderr: '' })
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.state(id)?.pid, pid, 'in the same process')
  await until(() => created.later().stdout.includes('ready'), 'ready')
  const again = box.call(['start', id])
  t.equal(again.status, 1)
  t.match(again.stderr, /running|not.*created|already/i, 'says why not')
  t.equal(box.state(id)?.status, 'running', 'and changes nothing')
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  const late = box.call(['start', id])
  t.equal(late.status, 1)
  t.match(late.stderr, /stopped|not.*created/i)
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('start of an unknown id', { peers: { crun: 'fails with other words' } }, (t, box) => {
  const result = box.call(['start', box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /does not exist/)
})

scenario(
  'start of a container whose process was killed',
  { peers: { crun: 'fails with other words' } },
  async (t, box) => {
    const bundle = box.bundle()
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    t.equal(box.call(['kill', id, 'KILL']).status, 0)
    await until(() => box.state(id)?.status === 'stopped', 'stopped')
    const result = box.call(['start', id])
    t.equal(result.status, 1)
    t.match(result.stderr, /stopped|not.*created/i)
    t.equal(box.call(['delete', id]).status, 0)
  },
)

scenario('of two concurrent starts one succeeds', {}, async (t, box) => {
  const bundle = box.bundle(probing(['pause']))
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  const both = [box.begin(['start', id]), box.begin(['start', id])]
  const statuses = (await Promise.all(both.map((one) => one.exited))).map((result) => result.status).sort()
  t.same(statuses, [0, 1])
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('start without an id, or with two', {}, (t, box) => {
  t.equal(box.call(['start']).status, 1)
  t.equal(box.call(['start', box.id(), box.id()]).status, 1)
})
