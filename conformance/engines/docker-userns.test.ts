/*
 * A daemon with --userns-remap: root in containers is an unprivileged id on the host. All parts of a container must be accessible and
 * owned through the map, and ids outside of the map stay inaccessible.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { docker, dockerEngine, image, inspect, must, output, started } from './docker.ts'
import { engineTests } from './engine.ts'

const first = 300_000
const dockerTest = engineTests(
  dockerEngine(() => {
    for (const file of ['subuid', 'subgid']) writeFileSync(`/etc/${file}`, `remapped:${first}:65536\n`)
    writeFileSync('/etc/passwd', 'root:x:0:0::/root:/bin/sh\nremapped:x:999:999::/:/bin/false\n')
    writeFileSync('/etc/group', 'root:x:0:\nremapped:x:999:\n')
    return { flags: ['--userns-remap', 'remapped'] }
  }),
)

dockerTest('root of a container is another user of the host', {}, (t, box) => {
  t.match(output(box, [], 'cat', '/proc/self/uid_map'), new RegExp(`^ +0 +${first} +65536$`))
  const name = started(box, ['--volume', '/data'], 'sleep', '1000')
  const pid = inspect(box, name, '{{.State.Pid}}')
  t.equal(statSync(`/proc/${pid}/root/etc`).uid, first)
  t.match(box.run(['cat', `/proc/${pid}/status`]).stdout, new RegExp(`^Uid:\t${first}\t`, 'm'))
  const made =
    'touch /data/file /new; mkdir /dev/shm/dir; stat -c "%u %g" /data/file /new /dev/pts/ptmx /proc/self/environ'
  t.equal(must(box, ['exec', name, 'sh', '-c', made]), '0 0\n0 0\n0 0\n0 0')
  t.match(must(box, ['exec', '--user', '1000', name, 'id']), /^uid=1000\(user\)/)
})

dockerTest('a terminal belongs to the user of the container', {}, (t, box) => {
  t.equal(
    output(box, ['--tty', '--user', '1000'], 'sh', '-c', 'tty; stat -c %u $(tty); echo ok >/dev/tty').replaceAll(
      '\r',
      '',
    ),
    '/dev/pts/0\n1000\nok',
  )
})

dockerTest('what is outside the map stays outside', {}, (t, box) => {
  const secret = join(box.dir, 'secret')
  mkdirSync(secret, { mode: 0o700 })
  const listed = docker(box, ['run', '--rm', '--volume', `${secret}:/secret`, image, 'ls', '/secret'])
  t.match(listed, { status: 1, stderr: /Permission denied/ })
  t.equal(docker(box, ['run', '--rm', '--user', '65536', image, 'true']).status, 125, 'a user that is not mapped')
  t.equal(docker(box, ['run', '--rm', image, 'mknod', '/node', 'c', '1', '3']).status, 1)
})

dockerTest('limits, networks, the namespace of the host', {}, (t, box) => {
  const limits = [
    '--memory',
    '40m',
    '--pids-limit',
    '33',
    '--read-only',
    '--tmpfs',
    '/t',
    '--sysctl',
    'kernel.msgmax=4321',
  ]
  t.equal(output(box, limits, 'sh', '-c', 'touch /t/x && cat /proc/sys/kernel/msgmax'), '4321')
  t.match(output(box, ['--userns', 'host'], 'cat', '/proc/self/uid_map'), /^ +0 +0 +4294967295$/)
  t.equal(output(box, ['--init', '--network', 'none'], 'id', '-u'), '0')
})
