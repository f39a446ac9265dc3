/*
 * docker run: exit statuses and the messages by which dockerd distinguishes a missing program (127) from one that cannot be run (126) and from
 * other failures (125), docker-run(1) "Exit Status"; and the options that configure a container, by what the container sees.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTerminal } from '../harness/console.ts'
import { runtime } from '../harness/project.ts'
import { needsFile } from '../harness/requires.ts'
import { beginDocker, docker, dockerTest, image, inspect, must, output, privilegedPeers, wordsPeers } from './docker.ts'
import { eventually } from './engine.ts'

dockerTest('the daemon knows the runtime', {}, (t, box) => {
  t.equal(must(box, ['info', '--format', '{{.DefaultRuntime}}']), runtime.name)
  if (runtime.name === 'runt') t.match(must(box, ['info', '--format', '{{json .Runtimes}}']), '/usr/local/bin/runt')
  t.equal(output(box, ['--runtime', runtime.name], 'echo', 'chosen'), 'chosen')
  t.equal(output(box, ['--runtime', 'runc'], 'echo', 'other'), 'other', 'and others beside it')
})

dockerTest('the exit status is the program’s', {}, (t, box) => {
  t.match(docker(box, ['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 7']), {
    status: 7,
    stdout: 'out\n',
    stderr: 'err\n',
  })
  t.equal(docker(box, ['run', '--rm', '--init', image, 'sh', '-c', 'kill -9 $$']).status, 137, 'or tells the signal')
  const echoed = docker(box, ['run', '--rm', '--interactive', image, 'cat'], { stdin: 'from the caller' })
  t.match(echoed, { status: 0, stdout: 'from the caller' })
})

dockerTest('a program that cannot be run', { peers: wordsPeers }, (t, box) => {
  const run = (...args: readonly string[]) => docker(box, ['run', '--rm', ...args])
  t.match(run(image, 'missing'), { status: 127, stderr: /exec: "missing": executable file not found in \$PATH/ })
  t.match(run('--env', 'PATH=/bin', image, 'missing'), { status: 127, stderr: /executable file not found in \$PATH/ })
  t.match(run(image, '/no/such'), { status: 127, stderr: /no such file or directory/ })
  t.match(run(image, '/etc'), { status: 126, stderr: /permission denied/ })
  t.match(run(image, '/etc/passwd'), { status: 126, stderr: /permission denied/ })
})

dockerTest('what the daemon or the runtime refuses', { peers: wordsPeers }, (t, box) => {
  t.equal(docker(box, ['run', '--bogus', image]).status, 125, 'docker’s own failure')
  const kinds = /not a directory.*Are you trying to mount a directory onto a file/
  for (const volume of [`${box.dir}:/etc/passwd`, '/etc/passwd:/etc'])
    t.match(docker(box, ['run', '--rm', '--volume', volume, image, 'true']).stderr, kinds, volume)
  const sysctl = docker(box, ['run', '--rm', '--sysctl', 'net.bogus=1', image, 'true'])
  t.match(sysctl, { status: 127, stderr: /net[./]bogus.*no such file or directory/ }, 'as docker takes the words')
})

dockerTest('a terminal', {}, async (t, box) => {
  // The client sets the size once the container runs.
  const command =
    'tty; until stty size 2>/dev/null | grep "^31 97$"; do sleep 0.1; done; read line; echo "got $line"; exit 3'
  const running = beginDocker(box, ['run', '--rm', '-it', image, 'sh', '-c', command], { wrap: onTerminal(31, 97) })
  await eventually(() => running.output().stdout.includes('31 97'), 'the size of the terminal')
  running.write('hello\n')
  t.equal((await running.exited).status, 3)
  t.match(running.output().stdout, /^\/dev\/pts\/0\r\n31 97\r\nhello\r\ngot hello\r\n$/)
})

dockerTest('read-only root, tmpfs, volumes', {}, (t, box) => {
  const shared = join(box.dir, 'shared')
  mkdirSync(shared)
  writeFileSync(join(shared, 'in'), 'from the host')
  const mounts = ['--read-only', '--tmpfs', '/scratch:size=1m,mode=700', '--volume', `${shared}:/shared`]
  const script = 'touch /x 2>&1; touch /scratch/x; stat -c %a /scratch; cat /shared/in; echo back >/shared/out'
  t.equal(output(box, [...mounts], 'sh', '-c', script), 'touch: /x: Read-only file system\n700\nfrom the host')
  t.equal(readFileSync(join(shared, 'out'), 'utf8'), 'back\n')
  t.match(docker(box, ['run', '--rm', '--volume', `${shared}:/shared:ro`, image, 'touch', '/shared/new']), {
    status: 1,
    stderr: /Read-only/,
  })
  const volume = `v-${box.name()}`
  output(box, ['--volume', `${volume}:/data`], 'sh', '-c', 'echo kept >/data/file')
  t.equal(output(box, ['--volume', `${volume}:/data:ro`], 'cat', '/data/file'), 'kept')
  must(box, ['volume', 'rm', volume])
})

dockerTest('capabilities, no-new-privileges, seccomp', {}, (t, box) => {
  const status = (...options: readonly string[]): string => output(box, options, 'cat', '/proc/self/status')
  t.match(status(), /^CapEff:\t00000000a80425fb$.*^NoNewPrivs:\t0$.*^Seccomp:\t2$/ms, 'docker’s own choice')
  const one = '0000000000000400'
  const few = status('--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE', '--security-opt', 'seccomp=unconfined')
  t.match(few, new RegExp(`^CapPrm:\t${one}\nCapEff:\t${one}\nCapBnd:\t${one}$.*^Seccomp:\t0$`, 'ms'))
  t.match(status('--user', '1000', '--security-opt', 'no-new-privileges'), /^CapEff:\t0{16}$.*^NoNewPrivs:\t1$/ms)
  const profile = join(box.dir, 'profile.json')
  const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }))
  const made = docker(box, ['run', '--rm', '--security-opt', `seccomp=${profile}`, image, 'mkdir', '/new'])
  t.match(made, { status: 1, stderr: /not supported/ }, 'a profile of one’s own, with its errno')
})

dockerTest('--privileged', { peers: privilegedPeers }, (t, box) => {
  const script =
    'mount -t tmpfs none /tmp && grep -c " /tmp " /proc/mounts; test -e /dev/full && echo devices; grep " /sys " /proc/mounts'
  t.match(output(box, ['--privileged'], 'sh', '-c', script), /^1\ndevices\nsysfs \/sys sysfs rw/)
})

dockerTest('--device with its permissions', { skip: needsFile('/dev/fuse') }, (t, box) => {
  const script = '(: </dev/mine) && echo read; (: >/dev/mine) || echo refused'
  const result = docker(box, ['run', '--rm', '--device', '/dev/fuse:/dev/mine:r', image, 'sh', '-c', script])
  t.match(result, { status: 0, stdout: 'read\nrefused\n', stderr: /not permitted/ })
})

dockerTest('users and groups', {}, (t, box) => {
  const id = (options: readonly string[]): string => output(box, options, 'id')
  t.equal(id([]), 'uid=0(root) gid=0(root) groups=0(root)')
  t.equal(id(['--user', 'user']), 'uid=1000(user) gid=1000(user) groups=1000(user)')
  t.equal(id(['--user', '12345:678']), 'uid=12345 gid=678 groups=678')
  t.match(
    output(box, ['--user', '1000', '--group-add', '44', '--group-add', 'user'], 'cat', '/proc/self/status'),
    /^Groups:\t44 1000( 1000)? $/m,
  )
})

dockerTest('--sysctl, --ulimit, --oom-score-adj, --shm-size, names', {}, (t, box) => {
  const sysctls = ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=80', '--sysctl', 'kernel.msgmax=4321']
  const files = ['/proc/sys/net/ipv4/ip_unprivileged_port_start', '/proc/sys/kernel/msgmax']
  t.equal(output(box, sysctls, 'cat', ...files), '80\n4321')
  const limits = ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0']
  t.equal(output(box, limits, 'sh', '-c', 'ulimit -n; ulimit -Hn; ulimit -c'), '100\n200\n0')
  t.equal(output(box, ['--oom-score-adj', '500'], 'cat', '/proc/self/oom_score_adj'), '500')
  t.match(output(box, ['--shm-size', '5m'], 'df', '/dev/shm'), /shm +5120 /)
  const names = ['--hostname', 'here', '--domainname', 'there']
  t.equal(output(box, names, 'sh', '-c', 'hostname; cat /proc/sys/kernel/domainname'), 'here\nthere')
})

dockerTest('--init runs the program below one that collects zombies', {}, (t, box) => {
  t.match(output(box, ['--init'], 'ps'), /^ +1 root .*docker-init -- ps$/m)
})

dockerTest('namespaces of the host, of another container, of none', {}, (t, box) => {
  const link = (options: readonly string[], kind: string): string =>
    output(box, options, 'readlink', `/proc/self/ns/${kind}`)
  const own = (kind: string): string => box.run(['readlink', `/proc/self/ns/${kind}`]).stdout.trim()
  for (const kind of ['pid', 'ipc', 'uts']) t.equal(link([`--${kind}`, 'host'], kind), own(kind), kind)
  t.equal(link(['--network', 'host'], 'net'), own('net'), 'net')
  t.not(link(['--network', 'none'], 'net'), own('net'))
  const other = `c-${box.name()}`
  must(box, ['run', '--detach', '--name', other, '--ipc', 'shareable', image, 'sleep', '1000'])
  const its = (kind: string): string => must(box, ['exec', other, 'readlink', `/proc/self/ns/${kind}`])
  t.equal(link(['--pid', `container:${other}`], 'pid'), its('pid'))
  t.equal(link(['--ipc', `container:${other}`], 'ipc'), its('ipc'))
  t.equal(link(['--network', `container:${other}`], 'net'), its('net'))
  t.equal(inspect(box, other, '{{.HostConfig.IpcMode}}'), 'shareable')
  t.match(output(box, ['--cgroupns', 'private'], 'cat', '/proc/self/cgroup'), /^\d+:[^:]*:\/$/m)
  t.match(output(box, ['--cgroupns', 'host'], 'cat', '/proc/self/cgroup'), /:\/docker\/[0-9a-f]{64}$/m)
})
