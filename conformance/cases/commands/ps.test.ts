/* ps: the processes of a container as the host sees them (runc-ps(8)), as ids or as lines of the host's ps(1). */
import { needsCommand } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'

const two = { process: { args: ['sh', '-c', 'sleep 1234 & wait'] } }

scenario('ps as JSON', {}, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle(two).dir, id]).status, 0)
  const pids = (): number[] => JSON.parse(box.call(['ps', '--format', 'json', id]).stdout)
  await until(() => pids().length === 2, 'both processes')
  t.ok(pids().includes(box.state(id)?.pid ?? 0), 'the first process is among them')
  t.ok(pids().every(Number.isInteger))
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  const stopped = box.call(['ps', '--format', 'json', id])
  t.equal(stopped.status, 0, 'a stopped container is no error')
  t.match(stopped.stdout, /^(\[\]|null)\n$/, 'and has no processes')
  t.equal(box.call(['delete', id]).status, 0)
  t.equal(box.call(['ps', id]).status, 1)
})

scenario('ps as a table', { skip: needsCommand('ps'), peers: { crun: '1.8 prints ids only' } }, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle(two).dir, id]).status, 0)
  await until(() => / sleep 1234$/m.test(box.call(['ps', id]).stdout), 'the second process')
  const rows = box.call(['ps', id]).stdout.trimEnd().split('\n')
  t.match(rows[0], /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/, 'the columns of ps -ef')
  t.equal(rows.length, 3)
  const chosen = box.call(['ps', id, '-o', 'pid,args'])
  t.match(chosen, { status: 0, stdout: /^ *PID COMMAND\n/ }, 'with options of ps')
  t.match(chosen.stdout, new RegExp(`^ *${box.state(id)?.pid} sh -c sleep 1234`, 'm'))
  t.match(box.call(['ps', id, '-o', 'args']), { status: 1, stderr: /PID/ }, 'a table without ids is refused')
  t.equal(box.call(['ps', id, '--no-such-option']).status, 1)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
