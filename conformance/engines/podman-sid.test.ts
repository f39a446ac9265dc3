/*
 * Features of a runtime that Podman 5 uses and Debian 12's Podman does not: crun's options, containers for systemd, and an unprivileged
 * user's containers in the host's pid namespace. `ENGINES=DIR make engine-test` runs it with the Podman of Debian sid.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { either, needsCommand, needsRoot, type Skip } from '../harness/requires.ts'
import type { EngineBox } from './engine.ts'
import { inspect, must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'
import { makeUser } from './podman-user.ts'

function needsPodman5(): Skip {
  const version = spawnSync('podman', ['--version'], { encoding: 'utf8' }).stdout ?? ''
  return Number(/version (\d+)/.exec(version)?.[1]) >= 5 ? false : 'no Podman 5'
}

const skip = needsPodman5()
const userSkip = either(skip, needsRoot(), needsCommand('newuidmap'))

/** Output of a shell command in a container with these options. */
const shell = (box: EngineBox, options: readonly string[], command: string): string =>
  must(box, ['run', '--rm', ...options, image, 'sh', '-c', command])

const cgroups = (pid: number | string): string => readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim()

/** Mount points and file systems in a container. */
const mountPoints = 'while read -r _ place type _; do echo $place $type; done </proc/self/mounts'

podmanTest('--systemd=always: what systemd needs is mounted, and stop sends SIGRTMIN+3', { skip }, (t, box) => {
  const found = shell(box, ['--systemd=always'], `${mountPoints}; echo container=$container`).split('\n')
  for (const place of ['/run', '/run/lock', '/tmp', '/var/log/journal']) t.ok(found.includes(`${place} tmpfs`), place)
  t.ok(found.includes('container=podman'))
  const name = box.name()
  const script = 'trap "exit 4" 37; echo ready >/tmp/ready; while :; do sleep 0.1; done'
  must(box, ['run', '--detach', '--name', name, '--systemd=always', image, 'sh', '-c', script])
  must(box, ['exec', name, 'sh', '-c', 'until [ -e /tmp/ready ]; do sleep 0.1; done'])
  must(box, ['stop', '--time', '20', name])
  t.equal(inspect(box, name, '{{.State.ExitCode}}'), '4')
})

podmanTest('--cgroups=disabled: the caller’s cgroups, in run and in exec', { skip }, (t, box) => {
  const name = box.name()
  const own = cgroups('self')
  must(box, ['run', '--detach', '--name', name, '--cgroups=disabled', '--cgroupns=host', image, 'sleep', '1000'])
  t.equal(cgroups(inspect(box, name, '{{.State.Pid}}')), own)
  t.equal(must(box, ['exec', name, 'cat', '/proc/self/cgroup']), own)
  t.match(podman(box, ['pause', name]), { status: 125, stderr: /does not have a cgroup/ })
  t.match(podman(box, ['update', '--memory', '64m', name]), { status: 125, stderr: /the container has no cgroups/ })
  must(box, ['restart', '--time', '0', name])
  must(box, ['kill', name])
  t.equal(must(box, ['wait', name]), '137')
})

podmanTest('--preserve-fd and --preserve-fds in run and in exec, with gaps', { skip }, (t, box) => {
  const [file, name] = [join(box.dir, 'file'), box.name()]
  writeFileSync(file, 'passed\n')
  /* A shell opens the descriptors for Podman, with gaps in their numbers. */
  const call = (...argv: readonly string[]): string => {
    const script = `exec podman "$@" 3<${file} 6<${file} 9<${file}`
    const result = box.run(['bash', '-c', script, 'sh', ...argv])
    t.equal(result.status, 0, result.stderr)
    return result.stdout
  }
  const open = 'for n in 3 4 5 6 7 8 9; do (: <&$n) 2>/dev/null && echo $n; done; cat <&6'
  t.equal(call('run', '--rm', '--preserve-fd', '6', image, 'sh', '-c', open), '6\npassed\n')
  t.equal(call('run', '--rm', '--preserve-fd', '6,9', image, 'sh', '-c', open), '6\n9\npassed\n')
  t.equal(call('run', '--rm', '--preserve-fds', '1', image, 'sh', '-c', 'cat <&3'), 'passed\n')
  must(box, ['run', '--detach', '--name', name, image, 'sleep', '1000'])
  t.equal(call('exec', '--preserve-fd', '6', name, 'sh', '-c', open), '6\npassed\n')
  t.equal(call('exec', '--preserve-fds', '1', name, 'sh', '-c', 'cat <&3'), 'passed\n')
})

podmanTest('a volume with no-dereference is the link itself', { skip }, (t, box) => {
  const [real, link] = [join(box.dir, 'real'), join(box.dir, 'link')]
  writeFileSync(real, 'target\n')
  symlinkSync('real', link)
  chmodSync(box.dir, 0o755)
  t.equal(
    shell(box, ['--volume', `${link}:/in:no-dereference`], 'readlink /in; cat /in 2>/dev/null || echo gone'),
    'real\ngone',
  )
  const mount = `type=bind,source=${link},target=/new/in,no-dereference`
  t.equal(shell(box, ['--mount', mount], 'readlink /new/in'), 'real')
  t.equal(shell(box, ['--volume', `${link}:/in`], 'readlink /in || cat /in'), 'target')
  t.equal(shell(box, ['--volume', `${real}:/in:no-dereference`], 'cat /in'), 'target')
  const taken = podman(box, ['run', '--rm', '--volume', `${link}:/bin/busybox:no-dereference`, image, 'true'])
  t.match(taken, { status: 126, stderr: /\/bin\/busybox\): symlinkat: EEXIST/ })
})

podmanTest(
  'an ordinary user: --pid=host with a network namespace and without, and the options above',
  { skip: userSkip },
  (t, box) => {
    const user = makeUser(box)
    const command = 'readlink /proc/self/ns/pid; cat /proc/sys/net/ipv4/ping_group_range'
    const pid = readlinkSync('/proc/self/ns/pid')
    const run = ['run', '--rm', '--pid=host']
    // The sysctl is Podman's default.
    t.equal(user.must([...run, '--network=none', image, 'sh', '-c', command]), `${pid}\n0\t0`)
    t.equal(user.must([...run, '--network=host', image, 'readlink', '/proc/self/ns/pid']), pid)
    t.equal(user.must([...run, '--userns=keep-id', image, 'id', '-u']), '1000')
    const name = box.name()
    user.must(['run', '--detach', '--name', name, '--pid=host', '--stop-timeout', '0', image, 'sleep', '1000'])
    t.equal(user.must(['exec', name, 'readlink', '/proc/self/ns/pid']), pid)
    user.must(['stop', name])
    user.must(['rm', name])

    const shell = (options: readonly string[], command: string): string =>
      user.must(['run', '--rm', ...options, image, 'sh', '-c', command])
    t.match(shell(['--systemd=always'], mountPoints), /^\/run\/lock tmpfs$/m)
    t.equal(shell(['--cgroups=disabled', '--cgroupns=host'], 'cat /proc/self/cgroup'), cgroups('self'))
    const link = join(box.dir, 'link')
    symlinkSync('rootfs', link)
    t.equal(shell(['--volume', `${link}:/in:no-dereference`], 'readlink /in'), 'rootfs')
  },
)
