/*
 * Terminals of foreground containers, on real ones: our own terminal is restored whatever ends or stops us, job control
 * works, and neither side can block the other for ever. commands/ tests what the container sees of its terminal.
 */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mountsWith } from '../harness/bundle.ts'
import { onTerminal } from '../harness/console.ts'
import { probing, readReport } from '../harness/probe.ts'
import { compiled, isRunt } from '../harness/project.ts'
import { needsCommand } from '../harness/requires.ts'
import { type Box, type Running, scenario, until } from '../harness/scenario.ts'

const shell = (script: string) => ({ process: { terminal: true, args: ['sh', '-c', script] } })

/** On a terminal, as a job of a shell that inspects the terminal when the job stops or ends. */
const asJob = [...onTerminal(24, 80), compiled('aid'), 'job']

const jobOf = ({ output }: Running): number => Number(/^job (\d+)/m.exec(output().stdout)?.[1] ?? 0)

/** Starts the script in the foreground on a terminal; it must print "ready". */
async function begin(
  box: Box,
  script: string,
  more: readonly string[] = [],
): Promise<{ id: string; running: Running }> {
  const id = box.id()
  const bundle = box.bundle(shell(script))
  const running = box.begin(['run', '--bundle', bundle.dir, id], { wrap: [...asJob, ...more] })
  await until(() => running.output().stdout.includes('ready'), 'ready')
  return { id, running }
}

const endsWith = async (t: Test, running: Running, status: number): Promise<void> => {
  const { stdout, stderr } = await running.exited
  t.match(stdout, `ended ${status} cooked`, stderr)
}

const loop = 'echo ready; while :; do sleep 0.1; done'

scenario(
  'SIGTSTP stops the runtime and restores the terminal; SIGCONT continues both',
  { skip: isRunt ? false : 'runc and crun only forward it' },
  async (t, box) => {
    const { running } = await begin(box, `trap "echo interrupted; exit 5" INT; trap "echo continued" CONT; ${loop}`)
    process.kill(jobOf(running), 'SIGTSTP')
    await until(() => running.output().stdout.includes('stopped'), 'stopped')
    t.match(running.output().stdout, 'stopped 20 cooked')
    await until(() => running.output().stdout.includes('continued'), 'the container hears of it')
    running.write('\x03')
    await endsWith(t, running, 5)
    t.match(running.output().stdout, 'interrupted', 'a key of the container, hence raw again')
  },
)

scenario(
  'a background runtime does not touch the terminal, and stops when it needs input',
  { skip: isRunt ? false : 'runc and crun make it raw' },
  async (t, box) => {
    const bundle = box.bundle(shell('echo ready; read line; echo "got $line"; exit 8'))
    const wrap = [...onTerminal(24, 80), compiled('aid'), 'background']
    const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { wrap })
    await until(() => running.output().stdout.includes('ready'), 'output comes from the background too')
    running.write('hello\n')
    await endsWith(t, running, 8)
    t.match(running.output().stdout, 'stopped 21 cooked')
    t.match(running.output().stdout, 'got hello')
  },
)

scenario('the terminal is restored when a signal ends the container', {}, async (t, box) => {
  const { running } = await begin(box, `trap "exit 6" TERM; ${loop}`)
  process.kill(jobOf(running), 'SIGTERM')
  await endsWith(t, running, 6)
})

scenario('the terminal is restored when the container is killed', {}, async (t, box) => {
  const { id, running } = await begin(box, loop)
  t.equal(box.call(['delete', '--force', id]).status, 0)
  await endsWith(t, running, 137)
})

scenario(
  'the terminal is restored and the container killed when the runtime fails',
  { skip: isRunt ? needsCommand('strace') : 'of the project’s own loop' },
  async (t, box) => {
    const { id, running } = await begin(box, 'echo ready; while :; do sleep 0.1; echo; done')
    const inject = 'inject=poll:error=ENOMEM:when=1'
    const strace = box.helper(['strace', '-qq', '-e', inject, '-p', String(jobOf(running))])
    await endsWith(t, running, 1)
    strace.kill('SIGKILL')
    t.equal(box.state(id), undefined)
  },
)

scenario('the terminal is not touched when the process cannot be started', {}, async (t, box) => {
  const bundle = box.bundle({ process: { terminal: true, args: ['/no/such'] } })
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { wrap: asJob })
  await endsWith(t, running, 1)
})

scenario('exec restores the terminal', {}, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', box.bundle(probing(['pause'])).dir, id]).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  const running = box.begin(['exec', '-t', id, 'sh', '-c', loop], { wrap: asJob })
  await until(() => running.output().stdout.includes('ready'), 'ready')
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await endsWith(t, running, 137)
})

// ---- input from elsewhere ----

scenario('a terminal with input from /dev/null, where there is a controlling one', {}, (t, box) => {
  const script = join(box.dir, 'script.sh')
  writeFileSync(script, '"$@" </dev/null; echo "status $?"')
  const bundle = box.bundle(probing(['terminal', 'exit:3'], { process: { terminal: true } }))
  const wrap = [...onTerminal(41, 99), 'sh', script]
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap })
  t.match(result.stdout, 'status 3')
  if (isRunt)
    t.match(readReport(result).lines('terminal'), [
      '0 /dev/pts/0',
      '1 /dev/pts/0',
      '2 /dev/pts/0',
      'controlling ok',
      'size 41 99',
    ])
})

// ---- back pressure ----

/** Numbered lines. */
const lines = (count: number): string =>
  Array.from({ length: count }, (_, n) => `line ${n} ${'.'.repeat(40)}\n`).join('')
const many = 20_000

scenario('a reader that pauses loses no output', {}, (t, box) => {
  const bundle = box.bundle(shell(`stty -opost; seq ${many}; exit 4`))
  const script = join(box.dir, 'script.sh')
  // Once with a terminal that is not read, once with a pipe for the output that is not read.
  for (const text of [
    `{ "$@"; echo "status $?"; } | { sleep 0.3; cat; }`,
    `exec 3>&1; { { "$@"; echo "status $?"; } 3>&-; } | { sleep 0.3; cat; }`,
  ]) {
    writeFileSync(script, text)
    const onPipe = text.startsWith('exec')
    const wrap = onPipe ? [...onTerminal(24, 80), 'sh', script] : ['sh', script, ...onTerminal(24, 80)]
    const { stdout } = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap })
    const clean = stdout.replaceAll('\r', '')
    const expected = Array.from({ length: many }, (_, n) => `${n + 1}\n`).join('')
    t.equal(clean === `${expected}status 4\n`, true, `all ${many} lines, in order`, { length: clean.length })
  }
})

scenario('a process that reads late loses no input', {}, (t, box) => {
  const input = lines(5_000)
  const file = join(box.dir, 'input')
  writeFileSync(file, input)
  const late = shell(`stty raw -echo; touch /dev/shm/raw; sleep 0.3; head -c ${input.length} | md5sum; exit 4`)
  const shared = { destination: '/dev/shm', type: 'bind', source: box.dir, options: ['bind'] }
  const bundle = box.bundle({ ...late, mounts: mountsWith(shared) })
  const script = join(box.dir, 'script.sh')
  // The input starts once the terminal is in raw mode, or the terminal would edit it.
  const start = 'until [ -e raw ]; do sleep 0.1; done'
  writeFileSync(script, `{ ${start}; cat input; sleep 5; } | "$@" & wait $!; echo "status $?"`)
  const wrap = [...onTerminal(24, 80), 'sh', script]
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { wrap, cwd: box.dir })
  t.match(result.stdout, /status 4/)
  const sum = box.call([], { wrap: ['sh', '-c', 'md5sum <input', 'x'], cwd: box.dir, root: null })
  t.match(result.stdout, sum.stdout.slice(0, 32), 'every byte has arrived')
})

scenario('signals are forwarded while nobody reads the output', {}, async (t, box) => {
  const script = join(box.dir, 'script.sh')
  writeFileSync(script, '{ "$@"; echo "status $?" >status; } | sleep 1000')
  const bundle = box.bundle(shell('trap "exit 9" TERM; yes & wait'))
  const id = box.id()
  const running = box.begin(['run', '--pid-file', join(box.dir, 'pid'), '--bundle', bundle.dir, id], {
    wrap: [...onTerminal(24, 80), 'sh', script],
    cwd: box.dir,
  })
  await until(() => box.state(id)?.status === 'running', 'running')
  t.equal(box.call(['kill', id, 'TERM']).status, 0)
  // The first signal may arrive before the shell has its trap, and is lost then, because the shell is pid 1 of its pid
  // namespace.
  const ended = (): boolean => box.call(['kill', id, 'TERM']).status !== 0 && box.state(id)?.status !== 'running'
  await until(ended, 'the process has ended')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  running.kill('SIGKILL')
})

// ---- without a terminal ----

scenario('without a terminal the descriptors are passed on unchanged', {}, async (t, box) => {
  const [input, output] = [join(box.dir, 'input'), join(box.dir, 'output')]
  writeFileSync(input, 'hello')
  const fd = openSync(input, 'r')
  for (const command of ['run', 'exec']) {
    writeFileSync(output, '')
    const id = box.id()
    const first = box.bundle(probing(command === 'run' ? ['fds', 'flags'] : ['pause']), { name: `bundle-${command}` })
    const script = join(box.dir, 'script.sh')
    writeFileSync(script, '"$@" >>output 2>&1')
    const options = { stdin: fd, wrap: ['sh', script], cwd: box.dir }
    const ran = box.call(['run', '--detach', '--bundle', first.dir, id], command === 'run' ? options : {})
    t.equal(ran.status, 0, ran.stderr)
    if (command === 'exec') t.equal(box.call(['exec', id, '/bin/probe', 'fds', 'flags'], options).status, 0)
    await until(() => readFileSync(output, 'utf8').includes('== flags'), 'output')
    await until(() => readFileSync(output, 'utf8').split('\n').length >= 8, 'all of it')
    const report = readReport({ ...ran, stdout: readFileSync(output, 'utf8') })
    t.match(report.lines('fds'), [/^0 .*input$/, /^1 .*output$/, /^2 .*output$/])
    t.equal(report.lines('fds').length, 3)
    t.match(report.lines('flags'), [/^0 1?00000$/, /^1 1?02001$/, /^2 1?02001$/], 'O_APPEND stays, nothing is added')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  }
  closeSync(fd)
})
