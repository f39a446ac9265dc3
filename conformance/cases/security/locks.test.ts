/*
 * Locks: no command waits for ever for another command or for a process that holds a lock, and `delete --force` ends a container
 * whatever its other commands do. The framework's leak check finds what is left behind.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { probing } from '../../harness/probe.ts'
import { projectRoot } from '../../harness/project.ts'
import { either, needsCommand, needsController, needsFile, needsPlainProgram } from '../../harness/requires.ts'
import { type Box, type Running, runProgram, scenario, until } from '../../harness/scenario.ts'

/** Longer than any command that does not wait for the hook; the hooks take longer. */
const soon = { timeout: 30_000 }
const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

/** Whether a process waits for time to pass (proc_pid_syscall(5)): nanosleep or clock_nanosleep of x86-64, or of arm64. */
function sleeps({ pid }: Running): boolean {
  const file = `/proc/${pid}/syscall`
  return existsSync(file) && /^(35|230|101|115) /.test(readFileSync(file, 'utf8'))
}

interface Hung {
  readonly id: string
  /** The command whose hook does not end. */
  readonly command: Running
}

/** A container with a command that waits for a hook, which has started a process of its own. */
async function hang(box: Box, kind: (typeof kinds)[number], namespaces: readonly string[], hooks = 1): Promise<Hung> {
  const up = kind === 'startContainer' ? '/tmp/up' : join(box.dir, 'up')
  const hook = { path: '/bin/sh', args: ['sh', '-c', `sleep 300 & echo up >>${up}; wait`] }
  const bundle = box.bundle(
    probing(['wait'], {
      root: { path: 'rootfs', readonly: false },
      hostname: undefined,
      linux: { namespaces: namespaces.map((type) => ({ type })) },
      hooks: { [kind]: Array(hooks).fill(hook) },
    }),
  )
  const id = box.id()
  const isLate = kind === 'startContainer' || kind.startsWith('post')
  if (isLate && box.call(['create', '--bundle', bundle.dir, id]).status !== 0) throw new Error('create failed')
  if (kind === 'poststop') box.call(['kill', id, 'KILL'])
  if (kind === 'poststop') await until(() => box.state(id)?.status === 'stopped', 'its end')
  const command = box.begin(
    kind === 'poststop' ? ['delete', id] : isLate ? ['start', id] : ['create', '--bundle', bundle.dir, id],
    { stdin: '' },
  )
  await until(() => existsSync(kind === 'startContainer' ? join(bundle.rootfs, up) : up), 'the hook')
  return { id, command }
}

for (const kind of kinds) {
  for (const namespaces of [['mount', 'pid'], ['mount']]) {
    scenario(
      `delete --force while a ${kind} hook does not end (${namespaces.join(' and ')} namespace)`,
      { peers: { runc: 'leaves the hook', crun: 'leaves the hook' } },
      async (t, box) => {
        const { id, command } = await hang(box, kind, namespaces)
        t.match(box.call(['state', id], soon), { status: 0 }, 'state does not wait')
        t.match(box.call(['list', '--quiet'], soon), { status: 0, stdout: `${id}\n` }, 'list does not wait')
        t.ok(box.call(['kill', id, '0'], soon).status <= 1, 'kill does not wait')
        t.match(box.call(['delete', '--force', id], soon), { status: 0 }, 'it ends the container')
        const { status, stderr } = await command.exited
        if (kind === 'poststop') t.match(stderr, /poststop hook .*KILL/, stderr)
        // For start, a killed init looks like one that became a program that ends at once.
        else if (kind !== 'startContainer') t.equal(status, 1, `the command fails by itself: ${stderr}`)
        t.equal(existsSync(join(box.root, id)), false, 'and nothing comes back')
      },
    )
  }
}

scenario('delete --force while a delete has many hooks that do not end', {}, async (t, box) => {
  const { id, command } = await hang(box, 'poststop', ['mount', 'pid'], 5)
  t.match(box.call(['delete', '--force', id], soon), { status: 0 })
  t.equal((await command.exited).status, 0, 'a poststop hook that fails is no failure')
})

scenario(
  'delete --force while a command that is stopped holds the lock',
  { peers: { 'runt-node': 'Node may do other things, and is not killed' } },
  async (t, box) => {
    const { id, command } = await hang(box, 'createRuntime', ['mount', 'pid'])
    command.kill('SIGSTOP')
    t.match(box.call(['delete', '--force', id], soon), { status: 0 })
    t.equal((await command.exited).status, 128 + 9, 'the command itself is killed')
  },
)

scenario('a command that waits for a lock fails at a deadline and names the holder', {}, async (t, box) => {
  const { id, command } = await hang(box, 'poststart', ['mount', 'pid'])
  const waiting = [
    ['delete', id],
    ['start', id],
    ['pause', id],
    ['resume', id],
    ['update', '--pids-limit', '9', id],
  ]
  for (const result of await Promise.all(waiting.map((args) => box.begin(args, soon).exited))) {
    t.equal(result.status, 1)
    t.match(result.stderr, new RegExp(`flock: EAGAIN .*process ${command.pid} .*start ${id}`), result.stderr)
  }
  t.match(box.call(['exec', id, '/bin/probe', 'exit:3'], soon), { status: 3 }, 'exec needs no lock')
  t.match(box.call(['delete', '--force', id], soon), { status: 0 })
  t.equal((await command.exited).status, 1)
})

scenario(
  'a lock that another program holds is an error',
  { skip: needsCommand('flock'), peers: { runc: 'no lock' } },
  async (t, box) => {
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
    const holder = box.helper(['flock', '-F', join(box.root, id), 'sh', '-c', 'echo up; exec sleep 300'])
    await until(() => holder.output().stdout.includes('up'), 'the lock')
    t.match(box.call(['state', id], soon), { status: 0 })
    t.equal(box.call(['kill', id, 'KILL'], soon).status, 0)
    for (const result of await Promise.all(['pause', 'delete'].map((name) => box.begin([name, id], soon).exited)))
      t.match(result, { status: 1, stderr: new RegExp(`process ${holder.pid} \\(sleep 300\\)`) }, result.stderr)
    t.match(box.call(['delete', '--force', id], soon), { status: 0, stderr: /it is not a runtime: not waiting for it/ })
    t.equal(existsSync(join(box.root, id)), false)
    t.equal(existsSync(`/proc/${holder.pid}`), true, 'it lives on')
  },
)

scenario('two deletes: the hooks run once', { peers: { crun: 'no lock', runc: 'no lock' } }, async (t, box) => {
  const [log, go] = [join(box.dir, 'log'), join(box.dir, 'go')]
  const script = `echo hook >>${log}; until test -e ${go}; do sleep 0.01; done`
  const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', script] }] }
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['exit:0'], { hooks })).dir, id]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  const lines = (): number => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0)
  const first = box.begin(['delete', id])
  await until(() => lines() === 1, 'the hook')
  const second = box.begin(['delete', id])
  await until(() => lines() > 1 || sleeps(second), 'the second delete waits')
  const { call } = box
  t.equal(call(['state', id], soon).status, 0)
  box.helper(['touch', go])
  t.equal((await first.exited).status, 0)
  t.match(await second.exited, { status: 1, stderr: /does not exist/ })
  t.equal(lines(), 1)
})

scenario(
  'two updates at the same time: both are recorded',
  { skip: either(needsCommand('strace'), needsController('pids'), needsController('cpu')), peers: { runc: 'no lock' } },
  async (t, box) => {
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
    // The first has read the record and is about to replace it: its temporary file exists.
    const wrap = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=rename:delay_enter=2s']
    const first = box.begin(['update', '--pids-limit', '77', id], { wrap })
    await until(() => readdirSync(join(box.root, id)).some((name) => name.startsWith('.state.json')), 'the new record')
    t.equal(box.call(['update', '--cpu-share', '333', id]).status, 0)
    t.equal((await first.exited).status, 0)
    const { resources } = JSON.parse(readFileSync(join(box.root, id, 'state.json'), 'utf8'))
    t.match(JSON.parse(resources), { pids: { limit: 77 }, cpu: { shares: 333 } })
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario('only the owner can access the state directory', { peers: { crun: 'other modes' } }, (t, box) => {
  const id = box.id()
  const wrap = ['sh', '-c', 'umask 0; exec "$@"', 'sh']
  t.equal(box.call(['create', '--bundle', box.bundle().dir, id], { wrap }).status, 0)
  const directory = join(box.root, id)
  // Others may search it; they may not list it, nor open it to lock it.
  t.equal(statSync(directory).mode & 0o777, 0o711)
  for (const name of readdirSync(directory)) {
    const { mode } = lstatSync(join(directory, name))
    if (name !== 'cgroup') t.equal(mode & 0o777, 0o600, name)
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario(
  'many commands of one process: none keeps a lock',
  {
    skip: either(needsPlainProgram(), needsFile(join(projectRoot, 'build/node/index.mjs')), needsController('pids')),
    peers: { runc: 'not on Node', crun: 'not on Node' },
  },
  (t, box) => {
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
    const commands = ['pause', 'resume', 'pause', 'resume', 'delete', 'start'].map((name) => [name, id])
    const script = `
      const { main, native } = await import(${JSON.stringify(join(projectRoot, 'build/node/index.mjs'))})
      const root = ['--root', ${JSON.stringify(box.root)}]
      const statuses = []
      for (const args of ${JSON.stringify(commands)}) statuses.push(await main(native, [...root, ...args]))
      // Also concurrently: each waits for the one before it.
      const update = ['update', '--pids-limit', '9', ${JSON.stringify(id)}]
      const all = [update, update, update].map((args) => main(native, [...root, ...args]))
      console.log([...statuses, ...(await Promise.all(all))].join(' '))`
    const result = runProgram(box.dir, [process.execPath, '--input-type=module', '-e', script], { timeout: 30_000 })
    t.match(result.stdout, '0 0 0 0 1 1 0 0 0', result.stderr)
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)
