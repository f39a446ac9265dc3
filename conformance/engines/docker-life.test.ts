/*
 * Docker's operations on a container that runs or has run: exec, logs, top, stats, update, pause, kill, stop, restart policies,
 * health checks, out of memory, copies and commits, and a restart of the daemon (live restore).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTerminal } from '../harness/console.ts'
import {
  beginDocker,
  docker,
  dockerEngine,
  image,
  inspect,
  must,
  output,
  privilegedPeers,
  started,
  wordsPeers,
} from './docker.ts'
import { type EngineBox, engineTests, eventually, hungry } from './engine.ts'

const engine = dockerEngine(() => ({ flags: ['--live-restore'] }))
const dockerTest = engineTests(engine)

const sleeping = (box: EngineBox, ...options: readonly string[]): string => started(box, options, 'sleep', '1000')

/* Docker changes a container's state when containerd's event arrives, a moment after the command that caused it. */
const becomes = (box: EngineBox, name: string, template: string, value: string): Promise<void> =>
  eventually(() => inspect(box, name, template) === value, `${template} of ${name}: ${value}`)

dockerTest('exec: status, user, directory, environment, input, detached', {}, async (t, box) => {
  const name = sleeping(box)
  const exec = (...args: readonly string[]): string => must(box, ['exec', ...args])
  const result = docker(box, ['exec', name, 'sh', '-c', 'echo out; echo err >&2; exit 7'])
  t.match(result, { status: 7, stdout: 'out\n', stderr: 'err\n' })
  t.equal(docker(box, ['exec', name, 'sh', '-c', 'kill -9 $$']).status, 137)
  t.match(exec('--user', 'user', name, 'id'), /^uid=1000\(user\) gid=1000\(user\)/)
  t.match(exec('--user', '12345:7', name, 'id'), /^uid=12345 gid=7 /)
  t.equal(exec('--workdir', '/tmp', '--env', 'A=b', name, 'sh', '-c', 'pwd; echo $A'), '/tmp\nb')
  t.equal(must(box, ['exec', '--interactive', name, 'cat'], { stdin: 'given' }), 'given')
  t.equal(exec('--detach', name, 'sh', '-c', 'echo done >/tmp/detached'), '')
  await eventually(() => docker(box, ['exec', name, 'cat', '/tmp/detached']).stdout === 'done\n', 'the detached exec')
})

dockerTest('exec of what cannot be executed', { peers: wordsPeers }, (t, box) => {
  const name = sleeping(box)
  const exec = (...args: readonly string[]) => docker(box, ['exec', ...args])
  // Docker 20 has one status for all failures, 28 has the shell's.
  const major = Number.parseInt(docker(box, ['version', '--format', '{{.Server.Version}}']).stdout, 10)
  const notFound = major < 28 ? 126 : 127
  t.match(exec(name, 'missing'), { status: notFound, stdout: /exec: "missing": executable file not found in \$PATH/ })
  t.match(exec(name, '/no/such'), { status: notFound, stdout: /no such file or directory/ })
  t.match(exec(name, '/etc/passwd'), { status: 126, stdout: /permission denied/ })
  t.match(exec('--workdir', '/no/such', name, 'true'), { status: notFound, stdout: /no such file or directory/ })
  t.equal(exec(name, 'true').status, 0, 'and nothing is broken by it')
})

dockerTest('exec on a terminal', {}, async (t, box) => {
  const name = sleeping(box)
  const command =
    'until stty size 2>/dev/null | grep "^23 79$"; do sleep 0.1; done; tty; read line; echo "got $line"; exit 4'
  const running = beginDocker(box, ['exec', '-it', name, 'sh', '-c', command], { wrap: onTerminal(23, 79) })
  await eventually(() => running.output().stdout.includes('/dev/pts/'), 'the terminal')
  running.write('line\n')
  t.equal((await running.exited).status, 4)
  t.match(running.output().stdout, /^23 79\r\n\/dev\/pts\/\d\r\nline\r\ngot line\r\n$/)
})

dockerTest('exec --privileged has more than the container', { peers: privilegedPeers }, (t, box) => {
  const name = sleeping(box)
  t.match(docker(box, ['exec', name, 'hostname', 'other']), { status: 1 })
  const capable = '[ $(sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status) != 00000000a80425fb ]'
  t.equal(docker(box, ['exec', '--privileged', name, 'sh', '-c', capable]).status, 0)
})

dockerTest('logs, top, stats', {}, async (t, box) => {
  const name = started(box, [], 'sh', '-c', 'echo one; echo two >&2; exec sleep 987')
  await eventually(() => /\d+ .*sleep 987$/m.test(must(box, ['top', name])), 'the program')
  const isLogged = (): boolean => {
    const { stdout, stderr } = docker(box, ['logs', name])
    return stdout === 'one\n' && stderr === 'two\n'
  }
  await eventually(isLogged, 'the log')
  const [pids, memory] = must(box, ['stats', '--no-stream', '--format', '{{.PIDs}} {{.MemUsage}}', name]).split(' ')
  t.equal(pids, '1')
  t.match(memory, /^[\d.]+[KM]iB$/)
})

dockerTest('limits at the start and after an update', {}, (t, box) => {
  const limits = ['--memory', '40m', '--cpus', '0.5', '--cpu-shares', '512', '--pids-limit', '33', '--cpuset-cpus', '0']
  const name = sleeping(box, ...limits)
  const update = ['--memory', '50m', '--memory-swap', '60m', '--cpus', '0.25', '--pids-limit', '44']
  const cgroup = 'cd /sys/fs/cgroup; for file; do cat "$file"; done'
  const v1 = [
    'memory/memory.limit_in_bytes',
    'cpu/cpu.cfs_quota_us',
    'cpu/cpu.shares',
    'pids/pids.max',
    'cpuset/cpuset.cpus',
  ]
  const v2 = ['memory.max', 'cpu.max', 'pids.max', 'cpuset.cpus']
  const isV2 = must(box, ['info', '--format', '{{.CgroupVersion}}']) === '2'
  const read = (): string => must(box, ['exec', name, 'sh', '-c', cgroup, 'sh', ...(isV2 ? v2 : v1)])
  t.equal(read(), isV2 ? '41943040\n50000 100000\n33\n0' : '41943040\n50000\n512\n33\n0')
  must(box, ['update', ...update, name])
  t.equal(read(), isV2 ? '52428800\n25000 100000\n44\n0' : '52428800\n25000\n512\n44\n0')
  t.equal(inspect(box, name, '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}'), '52428800 250000000')
})

dockerTest('out of memory', {}, async (t, box) => {
  const limits = ['--memory', '8m', '--memory-swap', '8m']
  t.equal(docker(box, ['run', '--rm', ...limits, image, 'tail', '/dev/zero']).status, 137, 'its own end')
  const name = `c-${box.name()}`
  t.equal(docker(box, ['run', '--name', name, ...limits, image, ...hungry]).status, 137)
  t.equal(inspect(box, name, '{{.State.OOMKilled}}'), 'true')
})

dockerTest('pause and unpause', {}, (t, box) => {
  const name = sleeping(box)
  must(box, ['pause', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'paused')
  t.match(docker(box, ['exec', name, 'true']).stderr, /is paused/)
  must(box, ['unpause', name])
  must(box, ['exec', name, 'true'])
  must(box, ['pause', name])
  must(box, ['rm', '--force', name])
  t.equal(docker(box, ['inspect', name]).status, 1, 'removed while paused')
})

dockerTest('kill and stop', {}, async (t, box) => {
  const script = 'trap "echo usr1" USR1; trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
  const name = started(box, [], 'sh', '-c', script)
  const log = (): string => docker(box, ['logs', name]).stdout
  await eventually(() => log().includes('ready'), 'the traps')
  must(box, ['kill', '--signal', 'USR1', name])
  await eventually(() => log().includes('usr1'), 'the signal')
  must(box, ['stop', '--time', '60', name])
  t.equal(inspect(box, name, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 5', 'willingly')
  t.match(docker(box, ['exec', name, 'true']), { status: 1, stderr: /is not running/ })
  t.match(docker(box, ['kill', name]), { status: 1, stderr: /is not running/ })
  must(box, ['start', name])
  must(box, ['kill', name])
  await becomes(box, name, '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
  const stubborn = started(box, [], 'sh', '-c', 'trap "" TERM; sleep 1000')
  must(box, ['stop', '--time', '1', stubborn])
  t.equal(inspect(box, stubborn, '{{.State.ExitCode}}'), '137', 'by force')
})

dockerTest('a client in the foreground hands its signals on', {}, async (t, box) => {
  const script = 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
  const running = beginDocker(box, ['run', '--rm', image, 'sh', '-c', script])
  await eventually(() => running.output().stdout.includes('ready'), 'the trap')
  running.kill('SIGTERM')
  t.match(await running.exited, { status: 9, stdout: 'ready\ngot\n' })
})

dockerTest('many at once', {}, async (t, box) => {
  const name = sleeping(box)
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  const runs = numbers.slice(0, 8).map((i) => ['run', '--rm', '--network', 'none', image, 'sh', '-c', `exit ${i}`])
  const execs = numbers.map((i) => ['exec', name, 'sh', '-c', `exit ${i}`])
  const results = await Promise.all([...runs, ...execs].map((args) => beginDocker(box, args).exited))
  t.same(
    results.map(({ status }) => status),
    [...numbers.slice(0, 8), ...numbers],
  )
})

dockerTest('restart policies', {}, async (t, box) => {
  const failing = started(box, ['--restart', 'on-failure:2'], 'sh', '-c', 'echo run; exit 3')
  const always = started(box, ['--restart', 'always'], 'sh', '-c', 'exec sleep 1000')
  await becomes(box, failing, '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}', 'exited 2 3')
  t.equal(must(box, ['logs', failing]), 'run\nrun\nrun')
  const pid = inspect(box, always, '{{.State.Pid}}')
  process.kill(Number(pid), 'SIGKILL')
  await becomes(box, always, '{{.State.Status}} {{.RestartCount}}', 'running 1')
  t.not(inspect(box, always, '{{.State.Pid}}'), pid)
})

dockerTest('health checks', {}, async (t, box) => {
  const check = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '200ms', '--health-retries', '2']
  const name = sleeping(box, ...check)
  await becomes(box, name, '{{.State.Health.Status}}', 'unhealthy')
  must(box, ['exec', name, 'touch', '/tmp/well'])
  await becomes(box, name, '{{.State.Health.Status}}', 'healthy')
  t.pass()
})

dockerTest('cp, commit, diff, export', {}, (t, box) => {
  const name = sleeping(box)
  const file = join(box.dir, 'file')
  writeFileSync(file, 'text')
  must(box, ['cp', file, `${name}:/root/copied`])
  t.equal(must(box, ['exec', name, 'cat', '/root/copied']), 'text')
  must(box, ['exec', name, 'sh', '-c', 'echo more >>/root/copied'])
  must(box, ['cp', `${name}:/root/copied`, file])
  t.equal(readFileSync(file, 'utf8'), 'textmore\n')
  t.match(must(box, ['diff', name]), /^A \/root\/copied$/m)
  must(box, ['commit', name, 'committed'])
  t.equal(must(box, ['run', '--rm', 'committed', 'cat', '/root/copied']), 'textmore')
  must(box, ['rmi', 'committed'])
})

dockerTest('containers live on without the daemon', {}, async (t, box) => {
  const name = sleeping(box, '--restart', 'unless-stopped')
  const doomed = started(box, [], 'sh', '-c', 'while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 6')
  const pid = inspect(box, name, '{{.State.Pid}}')
  must(box, ['exec', '--detach', doomed, 'sh', '-c', 'sleep 3; touch /tmp/end'])
  const gone = inspect(box, doomed, '{{.State.Pid}}')
  const alive = (of: string): boolean => box.run(['kill', '-0', of]).status === 0
  await engine.restart(async () => {
    t.ok(alive(pid), 'runs while there is no daemon')
    await eventually(() => !alive(gone), 'the other to end meanwhile')
  })
  t.equal(inspect(box, name, '{{.State.Status}} {{.State.Pid}}'), `running ${pid}`)
  t.equal(must(box, ['exec', name, 'echo', 'still here']), 'still here')
  await becomes(box, doomed, '{{.State.Status}} {{.State.ExitCode}}', 'exited 6')
  must(box, ['stop', '--time', '0', name])
  t.equal(inspect(box, name, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 137')
  t.equal(output(box, [], 'echo', 'new'), 'new')
})
