/*
 * podman run and a container's life cycle: exit statuses and the messages by which podman distinguishes a missing program (127) from one that
 * cannot be run (126) and from its own failures (125), podman-run(1) "Exit Status"; then stop, kill, restart, pause, logs, top.
 */

import { runtime } from '../harness/project.ts'
import { type EngineBox, eventually } from './engine.ts'
import { beginPodman, inspect, must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

/* A container's output is in its log a moment later. */
const logs = (box: EngineBox, name: string, stdout: string, stderr = ''): Promise<void> => {
  const logged = (): boolean => {
    const result = podman(box, ['logs', name])
    return result.status === 0 && result.stdout === stdout && result.stderr === stderr
  }
  return eventually(logged, `the log of ${name}: ${stdout}${stderr}`)
}

podmanTest('the exit status is the program’s', {}, (t, box) => {
  t.match(podman(box, ['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 7']), {
    status: 7,
    stdout: 'out\n',
    stderr: 'err\n',
  })
  t.match(podman(box, ['run', '--rm', '--interactive', image, 'cat'], { stdin: 'from the caller' }), {
    status: 0,
    stdout: 'from the caller',
  })
})

podmanTest('a program that cannot be run', {}, (t, box) => {
  const missing = podman(box, ['run', '--rm', image, 'missing'])
  t.match(missing, { status: 127, stderr: /executable file .*not found in \$PATH/ })
  t.match(missing.stderr, /OCI runtime attempted to invoke a command that was not found/, 'podman understood the log')
  t.match(podman(box, ['run', '--rm', image, '/no/such']), { status: 127, stderr: /no such file or directory/i })
  t.match(podman(box, ['run', '--rm', image, '/bin']), { status: 126, stderr: /permission denied|is a directory/i })
  t.match(podman(box, ['run', '--rm', image, '/etc/passwd']), { status: 126, stderr: /permission denied/i })
  t.match(podman(box, ['run', '--rm', '--workdir', '/no/such', image]), { status: 126 })
})

podmanTest('what podman or the runtime refuses', {}, (t, box) => {
  t.match(podman(box, ['run', '--rm', '--bogus', image]), { status: 125 }, 'podman’s own failure')
  const result = podman(box, ['run', '--rm', '--sysctl', 'net.bogus=1', image, 'true'])
  t.not(result.status, 0)
  t.match(result.stderr, /net[./]bogus/, 'the runtime’s reason reaches the user')
})

podmanTest('the runtime can be chosen, and podman’s debug log passes', {}, (t, box) => {
  const result = podman(box, ['--log-level=debug', '--runtime', runtime.path, 'run', '--rm', image, 'echo', 'chosen'])
  t.match(result, { status: 0, stdout: 'chosen\n', stderr: /level=debug/ })
  t.match(must(box, ['info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Version}}']), runtime.name)
})

podmanTest('detached, killed, waited for, removed', {}, (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, image, 'sleep', '1000'])
  t.equal(inspect(box, name, '{{.State.Status}} {{.OCIRuntime}}'), `running ${runtime.name}`)
  t.match(podman(box, ['rm', name]), { status: 2, stderr: /running/ }, 'not removed while it runs')
  must(box, ['kill', name])
  t.equal(must(box, ['wait', name]), '137', 'ended by a signal')
  t.equal(inspect(box, name, '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}'), 'exited 137 0')
  t.match(podman(box, ['kill', name]), { status: 125, stderr: /can only kill running containers/ })
  must(box, ['rm', name])
})

podmanTest('a signal of one’s choice, and the one of podman run’s own', {}, async (t, box) => {
  const name = box.name()
  const command = 'trap "echo usr1" USR1; trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
  const running = beginPodman(box, ['run', '--rm', '--name', name, image, 'sh', '-c', command])
  await eventually(() => running.output().stdout.includes('ready'), 'the container')
  must(box, ['kill', '--signal', 'USR1', name])
  await eventually(() => running.output().stdout.includes('usr1'), 'the signal')
  running.kill('SIGTERM')
  t.match(await running.exited, { status: 3, stdout: 'ready\nusr1\nterm\n' })
})

podmanTest('stop: by the signal, and by force when the time is up', {}, async (t, box) => {
  const [willing, stubborn] = [box.name(), box.name()]
  const willingly = 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
  must(box, ['run', '--detach', '--name', willing, image, 'sh', '-c', willingly])
  must(box, ['run', '--detach', '--name', stubborn, image, 'sh', '-c', 'trap "" TERM; sleep 1000'])
  await logs(box, willing, 'ready\n')
  must(box, ['stop', '--time', '60', willing])
  t.equal(inspect(box, willing, '{{.State.ExitCode}}'), '5')
  must(box, ['stop', '--time', '1', stubborn])
  t.equal(inspect(box, stubborn, '{{.State.ExitCode}}'), '137')
})

podmanTest('restart and start again', {}, async (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, image, 'sh', '-c', 'echo begun; exec sleep 1000'])
  const first = inspect(box, name, '{{.State.Pid}}')
  await logs(box, name, 'begun\n')
  must(box, ['restart', '--time', '0', name])
  t.not(inspect(box, name, '{{.State.Pid}}'), first)
  await logs(box, name, 'begun\nbegun\n')
  must(box, ['stop', '--time', '0', name])
  must(box, ['start', name])
  t.equal(inspect(box, name, '{{.State.Running}}'), 'true')
})

podmanTest('pause and unpause', {}, (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, image, 'sleep', '1000'])
  must(box, ['pause', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'paused')
  t.match(podman(box, ['exec', name, 'true']), { status: 255, stderr: /only.*running|paused/ })
  must(box, ['unpause', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'running')
  must(box, ['exec', name, 'true'])
  must(box, ['pause', name])
  must(box, ['rm', '--force', '--time', '0', name])
})

podmanTest('logs, top, ps, diff', {}, async (t, box) => {
  const name = box.name()
  must(box, [
    'run',
    '--detach',
    '--name',
    name,
    image,
    'sh',
    '-c',
    'echo one; echo two >&2; touch /made; exec sleep 987',
  ])
  await logs(box, name, 'one\n', 'two\n')
  await eventually(() => /1 +sleep 987/.test(must(box, ['top', name, 'pid', 'args'])), 'the program')
  t.match(must(box, ['top', name, 'pid', 'capeff', 'seccomp']), /1 .*filter/)
  t.match(must(box, ['diff', name]), /A \/made/)
  t.match(must(box, ['ps', '--format', '{{.Names}} {{.Status}}']), new RegExp(`${name} Up`))
})

podmanTest('created first, started and attached later', {}, (t, box) => {
  const name = box.name()
  must(box, ['create', '--name', name, image, 'sh', '-c', 'echo here; exit 4'])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'created')
  must(box, ['init', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'initialized', 'the runtime’s create has run')
  t.match(podman(box, ['start', '--attach', name]), { status: 4, stdout: 'here\n' })
})
