/*
 * Limits that podman sets: memory with the kernel's OOM kill in podman inspect, CPU time, numbers of processes, ulimits, sysctls;
 * changed by podman update, and read by podman stats.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupOf } from '../harness/cgroup.ts'
import { needsController } from '../harness/requires.ts'
import { type EngineBox, eventually } from './engine.ts'
import { inspect, must, podman, podmanTest } from './podman.ts'
import { image, ulimits } from './podman-config.ts'

/** Reads a file of the container's cgroup: the first of the names that exists, v1's or v2's. */
function limitOf(box: EngineBox, name: string, controller: string, ...files: readonly string[]): string {
  const dir = cgroupOf(Number(inspect(box, name, '{{.State.Pid}}')), controller)
  for (const file of files) {
    try {
      return readFileSync(join(dir, file), 'utf8').trim()
    } catch {
      // the other version's name
    }
  }
  throw new Error(`none of ${files.join(', ')} in ${dir}`)
}

podmanTest(
  '--memory: what needs more is killed, and inspect says so',
  { skip: needsController('memory') },
  (t, box) => {
    const name = box.name()
    const hog = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1']
    const result = podman(box, ['run', '--name', name, '--memory', '32m', '--memory-swap', '32m', image, ...hog])
    t.equal(result.status, 137, result.stderr)
    t.equal(inspect(box, name, '{{.State.ExitCode}} {{.HostConfig.Memory}}'), `137 ${32 << 20}`)
    // On v1 conmon 2.1 writes its OOM marker to podman's working directory, and podman looks for it elsewhere.
    const noted = existsSync(join(box.dir, 'oom'))
    t.equal(noted || inspect(box, name, '{{.State.OOMKilled}}') === 'true', true, 'conmon found the cgroup and saw it')
  },
)

podmanTest('--cpus, --cpu-shares, --cpuset-cpus', { skip: needsController('cpu') }, (t, box) => {
  const name = box.name()
  const options = ['--cpus', '0.5', '--cpu-shares', '512', '--cpuset-cpus', '0']
  must(box, ['run', '--detach', '--name', name, ...options, image, 'sleep', '1000'])
  t.match(limitOf(box, name, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/)
  t.match(limitOf(box, name, 'cpu', 'cpu.shares', 'cpu.weight'), /^(512|20|59)$/)
  t.equal(must(box, ['exec', name, 'sh', '-c', 'grep Cpus_allowed_list /proc/self/status | cut -f2']), '0')
})

podmanTest('--pids-limit', { skip: needsController('pids') }, (t, box) => {
  const bomb = 'i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; echo all'
  const result = podman(box, ['run', '--rm', '--pids-limit', '15', image, 'sh', '-c', bomb])
  t.not(result.status, 0)
  t.match(result.stderr, /fork/)
})

podmanTest('update changes a running container', { skip: needsController('memory') }, (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, '--memory', '64m', image, 'sleep', '1000'])
  const pid = inspect(box, name, '{{.State.Pid}}')
  must(box, ['update', '--memory', '96m', '--cpus', '0.25', name])
  t.equal(limitOf(box, name, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(96 << 20))
  t.match(limitOf(box, name, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^25000( 100000)?$/)
  t.equal(inspect(box, name, '{{.State.Pid}}'), pid)
})

podmanTest('stats', { skip: needsController('memory') }, async (t, box) => {
  const name = box.name()
  must(box, [
    'run',
    '--detach',
    '--name',
    name,
    '--memory',
    '64m',
    image,
    'sh',
    '-c',
    'sleep 1000 & while :; do :; done',
  ])
  const stats = (): Record<string, string> =>
    JSON.parse(must(box, ['stats', '--no-stream', '--format', 'json', name]))[0]
  await eventually(() => Number.parseFloat(stats().cpu_percent ?? '') > 0, 'used CPU time')
  t.match(stats(), { name, pids: '2', mem_usage: /B \/ 67.11MB/ })
})

podmanTest('--ulimit, --oom-score-adj, --sysctl', {}, (t, box) => {
  const rest = ulimits()
    .filter((limit) => !limit.startsWith('nofile'))
    .flatMap((limit) => ['--ulimit', limit])
  const options = [...rest, '--ulimit', 'nofile=321:432', '--oom-score-adj', '500', '--sysctl', 'kernel.shmmax=123456']
  const command = 'ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj /proc/sys/kernel/shmmax'
  t.equal(must(box, ['run', '--rm', ...options, image, 'sh', '-c', command]), '321\n432\n500\n123456')
})
