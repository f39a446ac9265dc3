/*
 * kill: sends a signal to the container's process (runtime.md, "kill"): names with and without SIG, numbers, TERM by
 * default; to all processes with --all or, without a pid namespace, for KILL. Engines match the error messages.
 */
import type { Test } from 'tap'
import { processes } from '../../harness/census.ts'
import { probing } from '../../harness/probe.ts'
import { type Box, type Result, scenario, until } from '../../harness/scenario.ts'

const shared = { linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] } }

/** A running container whose process reports each signal. */
async function waiting(t: Test, box: Box): Promise<{ readonly id: string; readonly output: () => string }> {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const result: Result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => result.later().stdout.includes('ready'), 'ready')
  return { id, output: () => result.later().stdout }
}

const stopped = (box: Box, id: string): Promise<void> => until(() => box.state(id)?.status === 'stopped', 'stopped')

scenario('kill by name and by number', { peers: { crun: 'wants upper case' } }, async (t, box) => {
  const { id, output } = await waiting(t, box)
  for (const [word, number] of [
    ['USR1', '10'],
    ['SIGUSR2', '12'],
    ['1', '01'],
    ['sighup', '01'],
    ['int', '02'],
    ['WINCH', '28'],
    ['31', '31'],
  ] as const) {
    const count = output().split(`signal ${number}\n`).length
    const result = box.call(['kill', id, word])
    t.match(result, { status: 0, stdout: '', stderr: '' }, `kill ${word}`)
    await until(() => output().split(`signal ${number}\n`).length > count, `signal ${number}`)
  }
  t.equal(box.call(['kill', id, '0']).status, 0, 'signal 0 only asks')
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['kill', id]).status, 0)
  await stopped(box, id)
  t.match(output(), /signal 15\n$/, 'without a signal: TERM')
  t.equal(box.call(['delete', id]).status, 0)
})

for (const all of [[], ['--all']]) {
  scenario(`kill ${all.join(' ')} with an empty signal sends TERM`, {}, async (t, box) => {
    const { id, output } = await waiting(t, box)
    t.match(box.call(['kill', ...all, id, '']), { status: 0, stderr: '' })
    await stopped(box, id)
    t.match(output(), /signal 15\n$/)
    t.equal(box.call(['delete', id]).status, 0)
  })
}

scenario('kill rejects an unknown signal', { peers: { crun: '1.8 takes an unknown word for 0' } }, async (t, box) => {
  const { id, output } = await waiting(t, box)
  for (const word of ['NOSUCH', '-5', '65', '99999999999', '1x', ' ', 'SIG']) {
    const result = box.call(['kill', id, word])
    t.not(result.status, 0, `"${word}" is refused`)
    t.not(result.stderr, '')
  }
  t.equal(box.state(id)?.status, 'running')
  t.equal(output().includes('signal'), false, 'and nothing is sent')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('kill of a created container', {}, async (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await stopped(box, id)
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('kill of a created container with TERM', {}, async (t, box) => {
  const bundle = box.bundle(probing(['exit:0']))
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  t.equal(box.call(['kill', id, 'TERM']).status, 0, 'is accepted')
  t.match(box.state(id)?.status, /created|stopped/)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('kill of a stopped container', { peers: { crun: 'exits 0' } }, async (t, box) => {
  const { id } = await waiting(t, box)
  t.equal(box.call(['kill', id, '9']).status, 0)
  await stopped(box, id)
  const result = box.call(['kill', id, '9'])
  t.equal(result.status, 1)
  t.match(result.stderr, /container not running/, 'the words containerd looks for')
  t.equal(box.call(['kill', '--all', id, '9']).status, 0, '--all is content')
  t.equal(box.call(['kill', '-a', id]).status, 0)
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('kill of an unknown id', { peers: { crun: 'other words' } }, (t, box) => {
  const result = box.call(['kill', box.id(), 'KILL'])
  t.equal(result.status, 1)
  t.match(result.stderr, /does not exist/)
  t.equal(box.call(['kill']).status, 1)
})

scenario('kill --all reaches every process of the container', {}, async (t, box) => {
  const script = 'sleep 1000 & sleep 1000 & echo up; wait'
  for (const [name, patch] of [
    ['own', {}],
    ['shared', shared],
  ] as const) {
    const bundle = box.bundle({ ...patch, process: { args: ['sh', '-c', script] } }, { name })
    const id = box.id()
    const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
    await until(() => result.later().stdout.includes('up'), 'up')
    t.equal(processes().size, 3)
    t.equal(box.call(['kill', '--all', id, 'KILL']).status, 0)
    await until(() => processes().size === 0, `all processes gone, ${name} pid namespace`)
    await stopped(box, id)
    t.equal(box.call(['delete', id]).status, 0)
  }
})

scenario(
  'kill without --all leaves the other processes',
  {
    peers: { runc: '1.1 kills one process only', crun: 'kills one process only' },
  },
  async (t, box) => {
    const script = 'trap "" TERM; sleep 1000 & echo up; wait'
    const bundle = box.bundle({ ...shared, process: { args: ['sh', '-c', script] } })
    const id = box.id()
    const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
    await until(() => result.later().stdout.includes('up'), 'up')
    t.equal(box.call(['kill', id, 'TERM']).status, 0)
    t.equal(processes().size, 2, 'TERM goes to the first only, which ignores it')
    t.equal(box.call(['kill', id, 'KILL']).status, 0)
    await until(() => processes().size === 0, 'KILL of a container without a pid namespace takes all with it')
    await stopped(box, id)
    t.equal(box.call(['delete', id]).status, 0)
  },
)
