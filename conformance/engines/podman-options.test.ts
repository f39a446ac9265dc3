/*
 * Options of podman run about isolation: the root file system, mounts, security, namespaces and devices. Each test
 * checks the effect inside the container; podman-run(1) describes the values.
 */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needsCommand } from '../harness/requires.ts'
import type { EngineBox } from './engine.ts'
import { inspect, must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

/** Output of a shell command in a container with these options. */
const shell = (box: EngineBox, options: readonly string[], command: string): string =>
  must(box, ['run', '--rm', ...options, image, 'sh', '-c', command])

podmanTest('--read-only, --tmpfs, --read-only-tmpfs', {}, (t, box) => {
  const command = 'touch /x 2>/dev/null || echo no; touch /tmp/x && echo yes; touch /t/x && df -k /t | grep -c 1024'
  t.equal(shell(box, ['--read-only', '--tmpfs', '/t:rw,size=1m,mode=1777'], command), 'no\nyes\n1')
})

podmanTest('volumes: named, bound, read-only, from a host directory that is a mount', {}, (t, box) => {
  const volume = box.name()
  const dir = join(box.dir, 'shared')
  mkdirSync(dir)
  writeFileSync(join(dir, 'file'), 'host\n')
  must(box, ['volume', 'create', volume])
  box.defer(() => must(box, ['volume', 'rm', '--force', volume]))
  shell(box, ['--volume', `${volume}:/data`], 'echo kept >/data/x')
  t.equal(
    shell(box, ['--volume', `${volume}:/data:ro`], 'cat /data/x; touch /data/y 2>/dev/null || echo ro'),
    'kept\nro',
  )
  const options = ['--volume', `${dir}:/shared:rw`, '--mount', `type=bind,source=${dir}/file,target=/one,ro=true`]
  t.equal(
    shell(box, options, 'cat /one; echo more >>/shared/file; cat /one; echo x >/one || echo ro'),
    'host\nhost\nmore\nro',
  )
  t.equal(readFileSync(join(dir, 'file'), 'utf8'), 'host\nmore\n')
  t.match(podman(box, ['run', '--rm', '--volume', '/no/such/dir:/x', image]), { status: 125 })
})

podmanTest('a volume shared both ways', {}, (t, box) => {
  const dir = join(box.dir, 'both')
  mkdirSync(join(dir, 'sub'), { recursive: true })
  const name = box.name()
  box.run(['mount', '--bind', dir, dir])
  box.defer(() => void box.run(['umount', '--recursive', dir]))
  box.run(['mount', '--make-shared', dir])
  must(box, ['run', '--detach', '--name', name, '--volume', `${dir}:/v:rslave`, image, 'sleep', '1000'])
  box.run(['mount', '-t', 'tmpfs', 'late', join(dir, 'sub')])
  t.match(must(box, ['exec', name, 'cat', '/proc/self/mountinfo']), /\/v\/sub .* - tmpfs late/)
})

podmanTest('--security-opt seccomp=FILE', {}, (t, box) => {
  const profile = join(box.dir, 'profile.json')
  const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }))
  const command = 'mkdir /x 2>&1; grep ^Seccomp: /proc/self/status | cut -f2'
  t.equal(
    shell(box, ['--security-opt', `seccomp=${profile}`], command),
    "mkdir: can't create directory '/x': Function not implemented\n2",
  )
  t.equal(shell(box, ['--security-opt', 'seccomp=unconfined'], command), '0')
  t.equal(shell(box, [], command), '2', 'podman’s own profile')
})

podmanTest('capabilities and no-new-privileges', {}, (t, box) => {
  const command = 'grep -E "^(CapInh|CapEff|CapBnd|CapAmb|NoNewPrivs)" /proc/self/status | cut -f2 | tr "\\n" " "'
  const none = '0000000000000000'
  t.equal(shell(box, ['--cap-drop', 'all'], command), [none, none, none, none, '0'].join(' '))
  const kill = '0000000000000020'
  t.equal(shell(box, ['--cap-drop', 'all', '--cap-add', 'kill'], command), [none, kill, kill, none, '0'].join(' '))
  t.match(shell(box, ['--security-opt', 'no-new-privileges'], command), / 1$/)
  t.match(shell(box, ['--cap-add', 'sys_admin'], 'mount -t tmpfs none /tmp && echo mounted'), 'mounted')
})

podmanTest('--privileged', {}, (t, box) => {
  const command =
    'ls /dev | grep -c .; mount -t tmpfs none /tmp && echo mounted; grep ^Seccomp: /proc/self/status | cut -f2'
  t.match(shell(box, ['--privileged'], command), /^\d\d+\nmounted\n0$/)
})

podmanTest('user namespaces: --uidmap, --userns=auto, --userns=host', {}, (t, box) => {
  const maps = ['--uidmap', '0:200000:5000', '--gidmap', '0:200000:5000']
  t.match(
    shell(box, maps, 'id -u; cat /proc/self/uid_map; touch /x; stat -c %u /x /bin/busybox'),
    /^0\n +0 +200000 +5000\n0\n0$/,
  )
  t.match(shell(box, [...maps, '--user', '7:8'], 'id -u; id -g'), '7\n8')
  // If Podman uses libsubid, the owner of the ranges must be a user.
  appendFileSync('/etc/passwd', 'containers:x:900:900::/nonexistent:/usr/sbin/nologin\n')
  writeFileSync('/etc/subuid', 'containers:300000:1000000\n')
  writeFileSync('/etc/subgid', 'containers:300000:1000000\n')
  t.match(shell(box, ['--userns', 'auto'], 'cat /proc/self/uid_map'), / 0 +300000 +\d+/)
  t.match(shell(box, ['--userns', 'host'], 'cat /proc/self/uid_map'), / 0 +0 +4294967295/)
})

podmanTest('namespaces of the host', {}, (t, box) => {
  const own = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`)
  const inside = (options: readonly string[], kind: string): string =>
    shell(box, options, `readlink /proc/self/ns/${kind}`)
  t.equal(inside(['--pid', 'host'], 'pid'), own('pid'))
  t.equal(inside(['--ipc', 'host'], 'ipc'), own('ipc'))
  t.equal(inside(['--uts', 'host'], 'uts'), own('uts'))
  t.equal(inside(['--network', 'host'], 'net'), own('net'))
  t.equal(inside(['--cgroupns', 'host'], 'cgroup'), own('cgroup'))
  for (const kind of ['pid', 'ipc', 'uts', 'net', 'mnt']) t.not(inside(['--network', 'none'], kind), own(kind))
})

podmanTest('namespaces of another container', {}, (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, '--network', 'none', '--ipc', 'shareable', image, 'sleep', '1000'])
  const options = ['--pid', `container:${name}`, '--ipc', `container:${name}`, '--network', `container:${name}`]
  const readlinks = 'for n in pid ipc net; do readlink /proc/self/ns/$n; done'
  t.equal(shell(box, options, readlinks), must(box, ['exec', name, 'sh', '-c', readlinks]))
})

podmanTest('--hostname, --init, --user, --group-add, --umask, --workdir, --env', {}, (t, box) => {
  const options = [
    '--hostname',
    'inside',
    '--user',
    '1000',
    '--group-add',
    '77',
    '--workdir',
    '/tmp',
    '--env',
    'A=b c',
    '--umask',
    '0027',
  ]
  t.equal(shell(box, options, 'hostname; id -u; id -G; pwd; echo $A; umask'), 'inside\n1000\n1000 77\n/tmp\nb c\n0027')
})

podmanTest('--init', { skip: needsCommand('catatonit') }, (t, box) => {
  t.match(shell(box, ['--init'], 'cat /proc/1/comm'), /podman-init|catatonit/)
})

podmanTest('--device and --device-cgroup-rule', {}, (t, box) => {
  t.equal(
    shell(box, ['--device', '/dev/fuse:/dev/fuse2:rw'], 'stat -c "%F %t %T" /dev/fuse2; : <>/dev/fuse2 && echo opened'),
    'character special file a e5\nopened',
  )
  const command = 'mknod /dev/m c 10 229 && if (: <>/dev/m) 2>/dev/null; then echo opened; else echo refused; fi'
  t.equal(shell(box, ['--cap-add', 'mknod'], command), 'refused')
  t.equal(shell(box, ['--cap-add', 'mknod', '--device-cgroup-rule', 'c 10:229 rw'], command), 'opened')
})

podmanTest('--hooks-dir', {}, (t, box) => {
  const [hooks, script, log] = ['hooks.d', 'hook', 'log'].map((name) => join(box.dir, name)) as [string, string, string]
  mkdirSync(hooks)
  writeFileSync(script, `#!/bin/sh\nread -r state\necho "$1 $state" >>${log}\n`)
  chmodSync(script, 0o755)
  const stages = ['createRuntime', 'createContainer', 'poststart', 'poststop']
  for (const stage of stages.filter((name) => name !== 'createContainer')) {
    const hook = {
      version: '1.0.0',
      hook: { path: script, args: ['hook', stage] },
      when: { always: true },
      stages: [stage],
    }
    writeFileSync(join(hooks, `${stage}.json`), JSON.stringify(hook))
  }
  must(box, ['--hooks-dir', hooks, 'run', '--rm', image, 'true'])
  const ran = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0])
  t.same(ran, ['createRuntime', 'poststart', 'poststop'])
})

podmanTest('secrets, /dev/shm of a size, masked paths opened', {}, (t, box) => {
  const secret = box.name()
  writeFileSync(join(box.dir, 'secret'), 'hidden')
  must(box, ['secret', 'create', secret, join(box.dir, 'secret')])
  box.defer(() => must(box, ['secret', 'rm', secret]))
  t.equal(shell(box, ['--secret', secret], `cat /run/secrets/${secret}`), 'hidden')
  t.match(shell(box, ['--shm-size', '3m'], 'df -k /dev/shm'), / 3072 /)
  t.equal(shell(box, ['--security-opt', 'unmask=all'], 'grep -c " /proc/" /proc/self/mountinfo || :'), '0')
  t.equal(shell(box, ['--security-opt', 'mask=/etc/passwd'], 'wc -c </etc/passwd'), '0')
})

podmanTest('what inspect says of a running container', {}, (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, image, 'sleep', '1000'])
  const state = JSON.parse(must(box, ['inspect', name]))[0]
  t.match(state.State, { Status: 'running', Running: true, Paused: false, OOMKilled: false, ExitCode: 0 })
  t.match(readFileSync(`/proc/${state.State.Pid}/cmdline`, 'utf8'), 'sleep\u00001000')
  t.equal(readFileSync(state.PidFile, 'utf8'), String(state.State.Pid), 'the runtime’s pid file')
  t.equal(inspect(box, name, '{{.State.CgroupPath}}').includes('libpod'), true)
})
