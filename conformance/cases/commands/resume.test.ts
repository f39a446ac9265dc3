/* resume: what it refuses (runc-resume(8)). pause.test.ts tests that it resumes a container. */
import { scenario, until } from '../../harness/scenario.ts'

scenario('resume of a container that is not paused', {}, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle({ process: { args: ['sleep', '100'] } }).dir, id]).status, 0)
  t.match(box.call(['resume', id]), { status: 1, stderr: /not paused/ })
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  t.equal(box.call(['resume', id]).status, 1, 'nor of one that has stopped')
  t.equal(box.call(['delete', id]).status, 0)
  t.match(box.call(['resume', id]), { status: 1, stderr: /does not exist/ })
})
