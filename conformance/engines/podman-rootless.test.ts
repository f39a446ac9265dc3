/*
 * Podman of an unprivileged user with a delegated cgroup (v2), as in the virtual machine: the runtime only has privileges
 * in the user namespace that podman creates. With cgroupfs; podman-systemd.test.ts tests the other cgroup manager.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { either, needsV2 } from '../harness/requires.ts'
import { inspect, must, onSizedTerminal, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

const skip = either(process.getuid?.() === 0 ? 'root' : false, needsV2())

podmanTest('a user’s container: statuses, words, ids', { skip }, (t, box) => {
  const command = 'id -u; cat /proc/self/uid_map | tr -s " "; exit 7'
  const result = podman(box, ['run', '--rm', image, 'sh', '-c', command])
  t.match(result, { status: 7, stdout: new RegExp(`^0\n 0 ${process.getuid?.()} 1\n 1 \\d+ \\d+\n$`) }, result.stderr)
  t.match(podman(box, ['run', '--rm', image, 'missing']), { status: 127, stderr: /executable file .*not found/ })
  const keepId = ['run', '--rm', '--userns', 'keep-id', image, 'id', '-u']
  t.equal(must(box, keepId), String(process.getuid?.()))
})

podmanTest('a user’s container: exec, terminal, pause, restart, kill', { skip }, async (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, image, 'sleep', '1000'])
  t.match(podman(box, ['exec', '--user', '1000', '--env', 'A=b', name, 'sh', '-c', 'id -u; echo $A; exit 5']), {
    status: 5,
    stdout: '1000\nb\n',
  })
  const result = await onSizedTerminal(box, ['podman', 'exec', '--interactive', '--tty', name])
  t.match(result, { status: 6, stdout: /\/dev\/pts\/\d\r?\n/ })
  must(box, ['pause', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'paused')
  must(box, ['unpause', name])
  must(box, ['restart', '--time', '0', name])
  must(box, ['kill', name])
  t.equal(must(box, ['wait', name]), '137')
})

podmanTest('a user’s limits are in the delegated cgroup', { skip }, (t, box) => {
  const name = box.name()
  const limits = ['--memory', '64m', '--pids-limit', '40', '--cpus', '0.5']
  must(box, ['run', '--detach', '--name', name, ...limits, image, 'sleep', '1000'])
  const path = readFileSync(`/proc/${inspect(box, name, '{{.State.Pid}}')}/cgroup`, 'utf8')
    .trim()
    .slice('0::'.length)
  t.match(path, /\/[0-9a-f]{64}$/)
  const value = (file: string): string => readFileSync(join('/sys/fs/cgroup', path, file), 'utf8').trim()
  t.same([value('memory.max'), value('pids.max'), value('cpu.max')], [String(64 << 20), '40', '50000 100000'])
  must(box, ['update', '--memory', '96m', name])
  t.equal(value('memory.max'), String(96 << 20))
  t.match(JSON.parse(must(box, ['stats', '--no-stream', '--format', 'json', name]))[0], { name, pids: '1' })
})

podmanTest('a user’s volumes, pod and build', { skip }, (t, box) => {
  const [dir, pod, built] = [join(box.dir, 'shared'), box.name(), `localhost/${box.name()}`]
  mkdirSync(dir)
  writeFileSync(join(dir, 'file'), 'host\n')
  t.equal(must(box, ['run', '--rm', '--volume', `${dir}:/v`, image, 'sh', '-c', 'cat /v/file; id -u >/v/made']), 'host')
  t.equal(readFileSync(join(dir, 'made'), 'utf8'), '0\n')
  must(box, ['pod', 'create', '--name', pod, '--infra=false'])
  must(box, ['run', '--detach', '--pod', pod, image, 'sleep', '1000'])
  must(box, ['pod', 'rm', '--force', '--time', '0', pod])
  writeFileSync(join(dir, 'Containerfile'), `FROM ${image}\nRUN echo built >/built\nCMD ["cat", "/built"]\n`)
  must(box, ['build', '--isolation', 'oci', '--network', 'none', '--tag', built, dir])
  box.defer(() => must(box, ['rmi', '--force', built]))
  t.equal(must(box, ['run', '--rm', built]), 'built')
})
