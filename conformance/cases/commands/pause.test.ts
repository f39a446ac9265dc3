/*
 * pause: all processes of a container are frozen until resume, and the state says so (runc-pause(8)). Judged by the
 * container's output meanwhile.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cgroupOf } from '../../harness/cgroup.ts'
import { either, needsCommand, needsController } from '../../harness/requires.ts'
import { type Box, pause, scenario, until } from '../../harness/scenario.ts'

const ticking = { process: { args: ['sh', '-c', 'while :; do echo tick; sleep 0.02; done'] } }

/** A running container that prints a line every 20 ms, and the number of lines so far. */
async function ticker(t: Test, box: Box): Promise<{ readonly id: string; readonly ticks: () => number }> {
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', box.bundle(ticking).dir, id])
  t.equal(result.status, 0, result.stderr)
  const ticks = (): number => result.later().stdout.split('\n').length
  await until(() => ticks() > 1, 'a first tick')
  return { id, ticks }
}

scenario('pause stops all processes until resume', {}, async (t, box) => {
  const { id, ticks } = await ticker(t, box)
  t.match(box.call(['pause', id]), { status: 0, stdout: '', stderr: '' })
  const before = ticks()
  t.equal(box.state(id)?.status, 'paused')
  t.match(box.call(['list']).stdout, new RegExp(`${id} .* paused `), 'in the list, too')
  await pause(200)
  t.equal(ticks(), before, 'nothing runs')
  t.match(box.call(['resume', id]), { status: 0, stdout: '', stderr: '' })
  t.equal(box.state(id)?.status, 'running')
  await until(() => ticks() > before + 1, 'more ticks')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('pause of a paused, stopped or unknown container is an error', {}, async (t, box) => {
  const { id } = await ticker(t, box)
  t.equal(box.call(['pause', id]).status, 0)
  t.equal(box.call(['pause', id]).status, 1, 'it is paused already')
  t.equal(box.state(id)?.status, 'paused', 'and stays so')
  t.equal(box.call(['delete', id]).status, 1, 'a paused container is not stopped')
  t.equal(box.call(['kill', id, 'KILL']).status, 0, 'but it can be killed')
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  t.match(box.call(['pause', id]), { status: 1, stderr: /container not running/ })
  t.equal(box.call(['delete', id]).status, 0)
  t.match(box.call(['pause', id]), { status: 1, stderr: /container does not exist/ })
})

scenario('pause of a created container', { peers: { crun: 'refuses it' } }, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['create', '--bundle', box.bundle({ process: { args: ['sleep', '100'] } }).dir, id]).status, 0)
  t.equal(box.call(['pause', id]).status, 0)
  t.equal(box.state(id)?.status, 'paused')
  t.equal(box.call(['resume', id]).status, 0)
  t.equal(box.state(id)?.status, 'created')
  t.equal(box.call(['start', id]).status, 0)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('delete --force of a paused container', {}, async (t, box) => {
  const { id } = await ticker(t, box)
  t.equal(box.call(['pause', id]).status, 0)
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.equal(box.state(id), undefined)
})

scenario('resume thaws a container whose pause was killed', { peers: { crun: 'not its promise' } }, async (t, box) => {
  const { id, ticks } = await ticker(t, box)
  for (const delay of [0, 1, 2, 3, 4, 6, 8]) {
    const running = box.begin(['pause', id])
    await pause(delay)
    running.kill('SIGKILL')
    await running.exited
    const status = box.state(id)?.status
    t.match(status, /^(running|paused)$/, `killed after ${delay} ms: ${status}`)
    if (status === 'paused') t.equal(box.call(['resume', id]).status, 0)
    const before = ticks()
    await until(() => ticks() > before, 'it goes on')
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario(
  'pause thaws the container and fails if it cannot be frozen in 10 s',
  {
    skip: either(needsCommand('strace'), needsController('freezer')),
    peers: { crun: 'waits on', runc: 'other files' },
  },
  async (t, box) => {
    const { id, ticks } = await ticker(t, box)
    const directory = cgroupOf(box.state(id)?.pid, 'freezer')
    const unified = existsSync(join(directory, 'cgroup.events'))
    // The state file reads as empty; on v1 that file also tells whether the container is paused.
    const file = join(directory, unified ? 'cgroup.events' : 'freezer.state')
    const inject = `inject=read:retval=0${unified ? '' : ':when=3+'}`
    const wrap = ['strace', '-qq', '-o', '/dev/null', '-P', file, '-e', inject]
    const running = box.begin(['pause', id], { wrap })
    await until(() => box.state(id)?.status === 'paused', 'the request')
    t.match(await running.exited, { status: 1, stderr: /cannot be frozen; thawed after 10 s/ })
    t.equal(box.state(id)?.status, 'running')
    const before = ticks()
    await until(() => ticks() > before + 1, 'more ticks')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)
