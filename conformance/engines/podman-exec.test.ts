/*
 * podman exec and terminals: users, directories, environment, exit statuses, detached sessions, terminals of run and exec, and
 * health checks, which are exec sessions.
 */
import { onTerminal } from '../harness/console.ts'
import { eventually } from './engine.ts'
import { inspect, must, onSizedTerminal, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

const sleeper = (name: string, ...options: string[]): string[] => [
  'run',
  '--detach',
  '--name',
  name,
  ...options,
  image,
  'sleep',
  '1000',
]

podmanTest('exec: status, streams, user, directory, environment', {}, (t, box) => {
  const name = box.name()
  must(box, sleeper(name, '--env', 'FROM=run'))
  t.match(podman(box, ['exec', name, 'sh', '-c', 'echo out; echo err >&2; exit 9']), {
    status: 9,
    stdout: 'out\n',
    stderr: 'err\n',
  })
  t.match(podman(box, ['exec', '--interactive', name, 'cat'], { stdin: 'typed' }), { status: 0, stdout: 'typed' })
  const command = ['sh', '-c', 'id -u; id -g; pwd; echo $ADDED $FROM']
  const options = ['--user', '1000:5', '--workdir', '/tmp', '--env', 'ADDED=exec']
  t.equal(must(box, ['exec', ...options, name, ...command]), '1000\n5\n/tmp\nexec run')
  t.equal(must(box, ['exec', '--user', 'user', name, 'id', '-u']), '1000', 'by name, from the image')
  t.match(podman(box, ['exec', '--user', 'nobodyhere', name, 'true']), { status: 255, stderr: /unable to find user/ })
  const caps = must(box, ['exec', '--privileged', name, 'grep', 'CapEff', '/proc/self/status'])
  t.not(caps, must(box, ['exec', name, 'grep', 'CapEff', '/proc/self/status']), 'privileged: more capabilities')
})

podmanTest('exec of what cannot be run', {}, (t, box) => {
  const name = box.name()
  must(box, sleeper(name))
  t.match(podman(box, ['exec', name, 'missing']), { status: 127, stderr: /executable file .*not found/ })
  t.match(podman(box, ['exec', name, '/no/such']), { status: 127, stderr: /no such file or directory/i })
  t.match(podman(box, ['exec', name, '/etc/passwd']), { status: 126, stderr: /permission denied/i })
  t.match(podman(box, ['exec', '--workdir', '/no/such', name, 'true']), { status: /126|127/ })
  must(box, ['exec', name, 'true'])
})

podmanTest('exec detached, and many at once', {}, async (t, box) => {
  const name = box.name()
  must(box, sleeper(name))
  must(box, ['exec', '--detach', name, 'sh', '-c', 'touch /tmp/detached; sleep 500'])
  await eventually(() => podman(box, ['exec', name, 'test', '-e', '/tmp/detached']).status === 0, 'the session')
  await eventually(() => must(box, ['top', name, 'args']).includes('sleep 500'), 'its last program')
  const all = Array.from({ length: 6 }, (_, i) => box.begin(['podman', 'exec', name, 'sh', '-c', `exit ${i}`]))
  t.same(await Promise.all(all.map(async (one) => (await one.exited).status)), [0, 1, 2, 3, 4, 5])
})

podmanTest('a terminal for run', {}, async (t, box) => {
  const result = await onSizedTerminal(box, ['podman', 'run', '--rm', '--interactive', '--tty', image])
  t.match(result, { status: 6, stdout: /\/dev\/pts\/0\r?\n/ })
  const withoutTty = podman(box, ['run', '--rm', '--tty', image, 'sh', '-c', 'test -t 1; echo $?'])
  t.match(withoutTty, { status: 0, stdout: /^0\r?\n/ }, 'also where podman has none')
})

podmanTest('a terminal for exec', {}, async (t, box) => {
  const name = box.name()
  must(box, sleeper(name, '--tty'))
  const result = await onSizedTerminal(box, ['podman', 'exec', '--interactive', '--tty', name])
  t.match(result, { status: 6, stdout: /\/dev\/pts\/1\r?\n/ })
})

podmanTest('the terminal is its user’s', { peers: { crun: 'leaves it to root' } }, (t, box) => {
  const name = box.name()
  must(box, sleeper(name))
  const argv = [...onTerminal(24, 80), 'podman', 'exec', '--user', '1000', '--tty', name, 'sh', '-c', 'echo x >$(tty)']
  t.match(box.run(argv), { status: 0, stdout: /x\r?\n/ })
})

podmanTest('what is typed arrives, and the interrupt key interrupts', {}, async (t, box) => {
  const name = box.name()
  const command = 'trap "echo caught; exit 8" INT; echo ready; read line; echo got $line; while :; do sleep 0.1; done'
  const argv = ['podman', 'run', '--rm', '--name', name, '--interactive', '--tty', image, 'sh', '-c', command]
  const running = box.begin([...onTerminal(24, 80), ...argv])
  const shows = (text: string): Promise<void> => eventually(() => running.output().stdout.includes(text), text)
  await shows('ready')
  running.write('hello\r')
  await shows('got hello')
  running.write('\x03')
  t.match(await running.exited, { status: 8, stdout: /caught/ })
})

podmanTest('health checks', {}, (t, box) => {
  const name = box.name()
  const health = ['--health-cmd', 'test -e /tmp/well', '--health-interval', 'disable', '--health-retries', '1']
  must(box, sleeper(name, ...health))
  t.match(podman(box, ['healthcheck', 'run', name]), { status: 1 })
  t.equal(inspect(box, name, '{{.State.Health.Status}}'), 'unhealthy')
  must(box, ['exec', name, 'touch', '/tmp/well'])
  t.match(podman(box, ['healthcheck', 'run', name]), { status: 0 })
  t.equal(inspect(box, name, '{{.State.Health.Status}}'), 'healthy')
})
