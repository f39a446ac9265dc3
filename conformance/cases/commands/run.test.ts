/*
 * run: create, start, wait and delete in one command; in the foreground it forwards signals, the terminal and the exit
 * status of the container's process (runc-run(8)).
 */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processes } from '../../harness/census.ts'
import { onTerminal, openConsole } from '../../harness/console.ts'
import { probing, readReport } from '../../harness/probe.ts'
import { compiled } from '../../harness/project.ts'
import { needsCommand } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'

scenario("run exits with the process's status", {}, (t, box) => {
  for (const status of [0, 1, 42, 126, 255]) {
    const bundle = box.bundle(probing([`exit:${status}`]), { name: `exit-${status}` })
    const id = box.id()
    t.equal(box.call(['run', '--bundle', bundle.dir, id]).status, status)
    t.equal(box.state(id), undefined, 'and the container is gone')
  }
})

scenario('run returns the status that a shell exits with after a signal', {}, (t, box) => {
  // Without a handler, pid 1 of a pid namespace ignores signals it sends to itself, pid_namespaces(7).
  for (const [script, status] of [
    ['kill -TERM $$; exit 3', 3],
    ['sh -c "kill -KILL \\$\\$"; exit $?', 137],
  ] as const) {
    const bundle = box.bundle({ process: { args: ['sh', '-c', script] } }, { name: `signal-${status}` })
    t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, status)
  }
})

for (const [name, number] of [
  ['KILL', 9],
  ['SEGV', 11],
  ['TERM', 15],
] as const) {
  scenario(`run exits with ${128 + number} when the process dies of SIG${name}`, {}, async (t, box) => {
    // Without a pid namespace, so that the process is not pid 1 and every signal's default action applies.
    const bundle = box.bundle(
      probing(['say:up', 'pause'], { linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] } }),
    )
    const id = box.id()
    const running = box.begin(['run', '--bundle', bundle.dir, id])
    await until(() => running.output().stdout.includes('up'), 'the process is up')
    t.equal(box.call(['kill', id, name]).status, 0)
    t.equal((await running.exited).status, 128 + number)
  })
}

scenario('run forwards signals', {}, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()])
  await until(() => running.output().stdout.includes('ready'), 'ready')
  for (const [signal, number] of [
    ['SIGUSR1', 10],
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGUSR2', 12],
    ['SIGQUIT', 3],
  ] as const) {
    running.kill(signal)
    await until(
      () => running.output().stdout.includes(`signal ${String(number).padStart(2, '0')}`),
      `${signal} reaches the process`,
    )
    t.pass(`${signal} is forwarded`)
  }
  running.kill('SIGTERM')
  t.equal((await running.exited).status, 42, 'SIGTERM too, and the status is what the handler chose')
})

scenario('run passes stdin, stdout and stderr through', {}, (t, box) => {
  const bundle = box.bundle({ process: { args: ['sh', '-c', 'cat; echo problem >&2'] } })
  const text = 'line of text\n'.repeat(20_000)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { stdin: text })
  t.equal(result.status, 0)
  t.equal(result.stdout === text, true, 'all of stdin came back on stdout')
  t.equal(result.stderr, 'problem\n', 'and stderr is apart')
})

scenario('run with a closed stdin pipe ends', {}, async (t, box) => {
  const bundle = box.bundle({ process: { args: ['cat'] } })
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { stdin: '' })
  t.equal((await running.exited).status, 0)
})

scenario('run -b, from another directory', {}, (t, box) => {
  box.bundle(probing(['say:here']))
  const result = box.call(['run', '-b', './bundle/', box.id()], { cwd: box.dir })
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, 'here')
})

scenario('run --detach returns when the process has started', {}, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const pidFile = join(box.dir, 'pid')
  const result = box.call(['run', '--detach', '--pid-file', pidFile, '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  t.equal(box.state(id)?.status, 'running')
  t.equal(readFileSync(pidFile, 'utf8'), String(box.state(id)?.pid))
  t.equal(processes().size, 1, 'one process, no helper')
  await until(() => result.later().stdout.includes('ready'), 'its output goes on')
  t.equal(box.call(['kill', id, 'TERM']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(box.call(['delete', id]).status, 0, 'the container stays until delete')
})

scenario('run -d with a terminal needs a console socket', {}, async (t, box) => {
  const bundle = box.bundle(probing(['terminal', 'pause'], { process: { terminal: true } }))
  const refused = box.call(['run', '-d', '--bundle', bundle.dir, box.id()])
  t.not(refused.status, 0)
  const console = await openConsole(box)
  const id = box.id()
  const result = box.call(['run', '-d', '--console-socket', console.socket, '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => console.text().includes('== pause'), 'terminal output')
  t.match(console.text(), /^0 \/dev\/pts\/0$/m)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('run --keep leaves a stopped container', { peers: { crun: 'since 1.9' } }, (t, box) => {
  const bundle = box.bundle(probing(['exit:5']))
  const id = box.id()
  t.equal(box.call(['run', '--keep', '--bundle', bundle.dir, id]).status, 5)
  t.equal(box.state(id)?.status, 'stopped')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('run --pid-file in the foreground', {}, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const file = join(box.dir, 'pid')
  const running = box.begin(['run', '--pid-file', file, '--bundle', bundle.dir, id])
  await until(() => running.output().stdout.includes('ready'), 'ready')
  t.equal(readFileSync(file, 'utf8'), String(box.state(id)?.pid))
  t.equal(box.call(['kill', id]).status, 0)
  t.equal((await running.exited).status, 42)
})

scenario('run --preserve-fds', {}, (t, box) => {
  const bundle = box.bundle(probing(['fds']))
  const path = join(box.dir, 'three')
  writeFileSync(path, '')
  const fd = openSync(path, 'r')
  const result = box.call(['run', '--preserve-fds=1', '--bundle', bundle.dir, box.id()], { fds: [fd, fd] })
  closeSync(fd)
  t.equal(result.status, 0, result.stderr)
  t.match(readReport(result).lines('fds'), [/^0 /, /^1 /, /^2 /, /^3 .*three$/])
  t.equal(readReport(result).lines('fds').length, 4)
})

scenario('run returns the status of init, not of orphans', {}, (t, box) => {
  // Without a pid namespace the orphan is re-parented to the runtime, which must not mistake it for the container's
  // process.
  const namespaces = [{ type: 'mount' }, { type: 'uts' }]
  const script = 'sh -c "sleep 0.05; exit 9" & exit 3'
  const bundle = box.bundle({ process: { args: ['sh', '-c', script] }, linux: { namespaces } })
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 3)
  t.equal(box.call(['run', '--no-subreaper', '--bundle', bundle.dir, box.id()]).status, 3, '--no-subreaper as well')
})

scenario('run on a terminal', { peers: { crun: '1.8 starts with size 0 0' } }, async (t, box) => {
  const bundle = box.bundle(probing(['terminal', 'stat:/dev/console'], { process: { terminal: true } }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(33, 121) })
  t.equal(result.status, 0, result.stderr)
  const report = readReport(result)
  t.match(report.lines('terminal'), ['0 /dev/pts/0', '1 /dev/pts/0', '2 /dev/pts/0', 'controlling ok', 'size 33 121'])
  t.match(report.text('stat:/dev/console'), /^char /)
})

scenario('run on a terminal passes on input', {}, async (t, box) => {
  const script = 'echo ready; read a; echo "got $a"; exit 4'
  const bundle = box.bundle({ process: { terminal: true, args: ['sh', '-c', script] } })
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
  await until(() => running.output().stdout.includes('ready'), 'ready')
  running.write('hello\n')
  t.equal((await running.exited).status, 4)
  t.match(running.output().stdout, /got hello/)
})

scenario('run on a terminal: control-C interrupts the process', {}, async (t, box) => {
  const script = 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1; done'
  const bundle = box.bundle({ process: { terminal: true, args: ['sh', '-c', script] } })
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
  await until(() => running.output().stdout.includes('ready'), 'ready')
  running.write('\x03')
  t.equal((await running.exited).status, 5)
})

scenario('run on a terminal follows its size', { peers: { crun: '1.8 starts with size 0 0' } }, async (t, box) => {
  const script = 'trap "stty size; exit 7" WINCH; stty size; echo ready; while :; do sleep 0.1; done'
  const bundle = box.bundle({ process: { terminal: true, args: ['sh', '-c', script] } })
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { wrap: onTerminal(24, 80) })
  await until(() => running.output().stdout.includes('ready'), 'ready')
  running.kill('SIGUSR1')
  t.equal((await running.exited).status, 7)
  t.match(running.output().stdout, /^34 90\r?$/m)
})

scenario('run restores the terminal', { skip: needsCommand('stty') }, (t, box) => {
  const bundle = box.bundle({ process: { terminal: true, args: ['sh', '-c', 'stty raw; exit 3'] } })
  const script = join(box.dir, 'script.sh')
  writeFileSync(script, 'stty -a >before; "$@"; echo "status $?"; stty -a >after')
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], {
    wrap: [...onTerminal(24, 80), 'sh', script],
  })
  t.match(result.stdout, /status 3/)
  t.equal(readFileSync(join(box.dir, 'after'), 'utf8'), readFileSync(join(box.dir, 'before'), 'utf8'))
})

scenario(
  'run resets the signals that its caller blocks and ignores',
  {
    peers: { runc: 'keeps the mask' },
  },
  (t, box) => {
    const bundle = box.bundle(probing(['file:/proc/self/status']))
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: [compiled('aid'), 'ignore', '12'] })
    t.equal(result.status, 0, result.stderr)
    const status = readReport(result).pairs('file:/proc/self/status')
    t.equal(status.SigBlk, '0000000000000000', 'no signal is blocked')
    t.equal(status.SigIgn, '0000000000000000', 'none is ignored')
  },
)

scenario('run of a missing program', {}, (t, box) => {
  const bundle = box.bundle({ process: { args: ['/no/such/program'] } })
  const id = box.id()
  const result = box.call(['run', '--bundle', bundle.dir, id])
  t.equal(result.status, 1)
  t.match(result.stderr, /no such file or directory|not found/)
  t.match(result.stderr, '/no/such/program')
  t.equal(box.state(id), undefined)
  t.equal(existsSync(join(box.root, id)), false)
})

scenario('run of a script with a missing interpreter', { peers: { crun: 'other words' } }, (t, box) => {
  const bundle = box.bundle({ process: { args: ['/script'] } })
  writeFileSync(join(bundle.rootfs, 'script'), '#!/no/such/shell\n', { mode: 0o755 })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 1)
  t.match(
    result.stderr,
    /exec \/script: execve: ENOENT \(no such file or directory\); its interpreter "\/no\/such\/shell"/,
  )
  t.equal(result.stderr.trim().split('\n').length, 1, 'one line')
})

const bound = { skip: needsCommand('taskset'), peers: { runc: 'since 1.3', crun: 'keeps it' } }

scenario('run resets the caller’s CPU affinity to the cpuset', bound, (t, box) => {
  const status = 'file:/proc/self/status'
  const bundle = box.bundle(probing([status]))
  const own = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: ['taskset', '1'] })
  t.equal(readReport(result).pairs(status).Cpus_allowed_list, own)
})

scenario('run with a terminal whose output goes to a file', { skip: needsCommand('setsid') }, (t, box) => {
  const bundle = box.bundle({ process: { terminal: true, args: ['printf', 'one\\ntwo\\n'] } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap: ['setsid', '--wait'] })
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'one\ntwo\n', 'no carriage returns')
})
