/*
 * containerd through ctr: tasks in the foreground and in the background, exec, signals, terminals, limits, events, metrics, user
 * namespaces, images from a registry on loopback, and what containerd does when a shim dies or containerd itself is restarted.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cgroupOf } from '../harness/cgroup.ts'
import { onTerminal } from '../harness/console.ts'
import { projectRoot } from '../harness/project.ts'
import { needsCommand } from '../harness/requires.ts'
import { until } from '../harness/scenario.ts'
import { containerdEngine, ctr, image, must, run, runArgs, started } from './containerd.ts'
import { type EngineBox, engineTests, eventually, startRegistry } from './engine.ts'

const engine = containerdEngine()
const containerdTest = engineTests(engine)

const status = (box: EngineBox, id: string): string =>
  new RegExp(`^${id} +\\d+ +(\\w+)`, 'm').exec(must(box, ['task', 'ls']))?.[1] ?? 'none'
const pidOf = (box: EngineBox, id: string): number =>
  Number(new RegExp(`^${id} +(\\d+)`, 'm').exec(must(box, ['task', 'ls']))?.[1] ?? 0)
const exec = (box: EngineBox, id: string, options: readonly string[], ...command: readonly string[]) =>
  ctr(box, ['task', 'exec', '--exec-id', `e-${box.name()}`, ...options, id, ...command])

t.test('both forms of the example configure the same', (t) => {
  const read = (form: string): string =>
    readFileSync(join(projectRoot, `examples/containerd/config-${form}.toml`), 'utf8')
  const settings = (text: string): string => text.replace(/^#.*\n/gm, '')
  const asV2 = read('v3')
    .replace('version = 3', 'version = 2')
    .replaceAll('io.containerd.cri.v1.runtime', 'io.containerd.grpc.v1.cri')
  t.equal(settings(asV2), settings(read('v2')))
  t.end()
})

containerdTest('in the foreground: status, output, signals', {}, (t, box) => {
  t.match(run(box, [], 'sh', '-c', 'echo out; echo err >&2; exit 7'), { status: 7, stdout: 'out\n', stderr: /err\n/ })
  // ctr does not forward the end of its input.
  const echoed = ctr(box, [...runArgs, '--rm', image, `c-${box.name()}`, 'head', '-n', '1'], { stdin: 'given\n' })
  t.match(echoed, { status: 0, stdout: 'given\n' })
  t.match(run(box, [], 'missing'), { status: 1, stderr: /executable file .*not found in \$PATH/ })
  t.match(run(box, [], '/etc/passwd'), { status: 1, stderr: /permission denied/i })
})

containerdTest('on a terminal', {}, async (t, box) => {
  const command = ['sh', '-c', 'tty; read line; echo "got $line"; exit 3']
  const running = box.begin([
    ...onTerminal(31, 97),
    'ctr',
    ...runArgs,
    '--rm',
    '--tty',
    image,
    `c-${box.name()}`,
    ...command,
  ])
  await eventually(() => running.output().stdout.includes('/dev/pts/0'), 'the terminal')
  running.write('hello\n')
  t.equal((await running.exited).status, 3)
  t.match(running.output().stdout, /got hello/)
})

containerdTest('in the background: list, pause, resume, metrics, kill, delete', {}, async (t, box) => {
  const id = started(box, ['--memory-limit', '41943040'], 'sleep', '1000')
  t.equal(status(box, id), 'RUNNING')
  must(box, ['task', 'pause', id])
  t.equal(status(box, id), 'PAUSED')
  must(box, ['task', 'resume', id])
  t.equal(status(box, id), 'RUNNING')
  t.match(must(box, ['task', 'metrics', id]), /memory\.(limit_in_bytes|usage_limit) +41943040|memory.*41943040/)
  t.match(must(box, ['task', 'ps', id]), new RegExp(`^${pidOf(box, id)} `, 'm'))
  t.match(ctr(box, ['task', 'delete', id]), { status: 1, stderr: /must be stopped|not stopped|is running/i })
  must(box, ['task', 'kill', '--signal', 'SIGKILL', id])
  await eventually(() => status(box, id) === 'STOPPED', 'the end')
  t.match(
    ctr(box, ['task', 'kill', id]).stderr,
    /process already finished: not found/,
    'the words of one that has ended',
  )
  must(box, ['task', 'delete', id])
  must(box, ['task', 'start', '--detach', id])
  t.equal(status(box, id), 'RUNNING', 'and again')
})

containerdTest('exec', {}, async (t, box) => {
  const id = started(box, [], 'sleep', '1000')
  t.match(exec(box, id, [], 'sh', '-c', 'echo out; exit 7'), { status: 7, stdout: 'out\n' })
  t.match(exec(box, id, ['--user', '1000:7', '--cwd', '/tmp'], 'sh', '-c', 'id; pwd'), {
    stdout: /^uid=1000.*gid=7.*\n\/tmp\n$/,
  })
  t.match(exec(box, id, [], 'missing'), { status: 1, stderr: /executable file .*not found in \$PATH/ })
  const running = box.begin([
    ...onTerminal(24, 80),
    'ctr',
    'task',
    'exec',
    '--exec-id',
    'tty',
    '--tty',
    id,
    'sh',
    '-c',
    'tty; exit 4',
  ])
  t.match(await running.exited, { status: 4, stdout: /\/dev\/pts\/\d/ })
  const long = box.begin(['ctr', 'task', 'exec', '--exec-id', 'long', id, 'sleep', '999'])
  await until(() => must(box, ['task', 'ps', id]).includes('long'), 'the process')
  must(box, ['task', 'kill', '--exec-id', 'long', '--signal', 'SIGTERM', id])
  t.equal((await long.exited).status, 143, 'a signal for it alone')
  t.equal(status(box, id), 'RUNNING')
})

containerdTest('what a container is made of', {}, (t, box) => {
  const file = join(box.dir, 'file')
  writeFileSync(file, 'from the host')
  const limits = ['--memory-limit', '41943040', '--cpu-quota', '50000', '--cpu-period', '100000', '--cpu-shares', '512']
  const view = [
    '--read-only',
    '--env',
    'A=b',
    '--cwd',
    '/tmp',
    '--mount',
    `type=bind,src=${file},dst=/mnt,options=rbind:ro`,
  ]
  const script = 'pwd; echo $A; cat /mnt; touch /x 2>&1'
  t.equal(run(box, view, 'sh', '-c', script).stdout, '/tmp\nb\nfrom the hosttouch: /x: Read-only file system\n')
  const pid = pidOf(box, started(box, limits, 'sleep', '1000'))
  const cgroup = (controller: string, v1: string, v2: string): string => {
    const dir = cgroupOf(pid, controller)
    return readFileSync(join(dir, existsSync(join(dir, v1)) ? v1 : v2), 'utf8').trim()
  }
  t.equal(cgroup('memory', 'memory.limit_in_bytes', 'memory.max'), '41943040')
  t.match(cgroup('cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000/)
  const row = (options: readonly string[], name: string): string =>
    new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(run(box, options, 'cat', '/proc/self/status').stdout)?.[1] ?? ''
  t.equal(row(['--seccomp'], 'Seccomp'), '2')
  t.equal(row([], 'NoNewPrivs'), '1')
  t.equal(row(['--allow-new-privs'], 'NoNewPrivs'), '0')
  t.not(row(['--cap-add', 'CAP_NET_ADMIN'], 'CapEff'), row([], 'CapEff'))
  const net = (options: readonly string[]): string => run(box, options, 'readlink', '/proc/self/ns/net').stdout
  t.equal(net(['--net-host']), box.run(['readlink', '/proc/self/ns/net']).stdout)
  t.equal(net(['--with-ns', 'network:/proc/self/ns/net']), net(['--net-host']), 'a namespace by its path')
})

containerdTest('a user namespace', {}, (t, box) => {
  const maps = ['--uidmap', '0:100000:65536', '--gidmap', '0:200000:65536']
  const script = 'cat /proc/self/uid_map; stat -c "%u %g" /bin/busybox; touch /new && id -u'
  t.match(run(box, maps, 'sh', '-c', script), { status: 0, stdout: /^ +0 +100000 +65536\n0 0\n0\n$/ })
})

containerdTest('events', {}, async (t, box) => {
  const events = box.begin(['ctr', 'events'])
  const seen = (topic: string): boolean => events.output().stdout.includes(topic)
  // The subscription exists once an event has been seen.
  await until(() => run(box, [], 'true').status === 0 && seen('/tasks/exit'), 'events')
  for (const topic of ['/tasks/create', '/tasks/start', '/tasks/delete']) await eventually(() => seen(topic), topic)
  const id = started(box, ['--memory-limit', '8388608'], 'sh', '-c', 'sleep 2; tail /dev/zero; sleep 1000')
  await eventually(() => seen('/tasks/oom'), 'the event of memory that is out')
  t.equal(status(box, id), 'RUNNING')
  events.kill('SIGTERM')
  await events.exited
})

containerdTest('a shim that is killed: the container goes with it', {}, async (t, box) => {
  const id = started(box, [], 'sleep', '1000')
  const pid = pidOf(box, id)
  const shim = box.run(['sh', '-c', `ps -o ppid= -p ${pid}`]).stdout.trim()
  process.kill(Number(shim), 'SIGKILL')
  await eventually(() => box.run(['kill', '-0', String(pid)]).status !== 0, 'the container')
  await eventually(() => status(box, id) !== 'RUNNING', 'containerd to notice')
  t.pass('delete --force was called')
})

containerdTest('containerd is started again: tasks are still there', {}, async (t, box) => {
  const id = started(box, [], 'sleep', '1000')
  const pid = pidOf(box, id)
  await engine.restart()
  t.equal(status(box, id), 'RUNNING')
  t.equal(pidOf(box, id), pid)
  t.equal(exec(box, id, [], 'echo', 'here').stdout, 'here\n')
  must(box, ['task', 'kill', '--signal', 'SIGKILL', id])
  await eventually(() => status(box, id) === 'STOPPED', 'the end')
})

containerdTest('push and pull', { skip: needsCommand('docker-registry') }, async (t, box) => {
  const name = `${startRegistry(box)}/busybox:1`
  const pushed = () => ctr(box, ['image', 'push', '--plain-http', name, image])
  await eventually(() => pushed().status === 0, 'the registry')
  must(box, ['image', 'pull', '--plain-http', name])
  const result = ctr(box, [...runArgs, '--rm', name, `c-${box.name()}`, 'echo', 'pulled'])
  t.match(result, { status: 0, stdout: 'pulled\n' })
  must(box, ['image', 'rm', name])
})
