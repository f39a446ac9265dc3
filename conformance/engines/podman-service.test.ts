/*
 * Containers as services: readiness reported to a service manager (sd_notify(3)), by the container or by conmon; restarts after failures;
 * pods from Kubernetes' YAML.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compiled } from '../harness/project.ts'
import { eventually } from './engine.ts'
import { inspect, must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

podmanTest('--sdnotify: whose word it is that the service manager gets', {}, async (t, box) => {
  const socket = join(box.dir, 'manager.sock')
  const manager = box.begin([compiled('aid'), 'manager', socket])
  await eventually(() => manager.output().stdout.startsWith('listening\n'), 'aid manager')
  const env = { NOTIFY_SOCKET: socket }
  const run = (policy: string, name: string): Promise<void> => {
    const options = ['run', '--detach', '--name', name, '--sdnotify', policy, image]
    const before = manager.output().stdout.length
    must(box, [...options, 'probe', 'notify:READY=1', 'say:sent', 'wait'], { env })
    return eventually(() => manager.output().stdout.slice(before).includes('READY=1'), 'READY=1')
  }
  const [own, conmon] = [box.name(), box.name()]
  await run('container', own)
  await eventually(() => /notify:READY=1\nok/.test(must(box, ['logs', own])), 'the container has a socket')
  t.match(manager.output().stdout, /notify MAINPID=\d+/)
  await run('conmon', conmon)
  await eventually(() => /notify:READY=1\nno socket/.test(must(box, ['logs', conmon])), 'the container has none')
})

podmanTest('--restart on-failure', {}, async (t, box) => {
  const name = box.name()
  must(box, ['run', '--detach', '--name', name, '--restart', 'on-failure:2', image, 'sh', '-c', 'echo again; exit 3'])
  await eventually(() => inspect(box, name, '{{.RestartCount}} {{.State.Status}}') === '2 exited', 'two restarts')
  t.equal(must(box, ['logs', name]), 'again\nagain\nagain')
  t.equal(inspect(box, name, '{{.State.ExitCode}}'), '3')
})

podmanTest('play kube: a pod with limits and a probe', {}, async (t, box) => {
  const pod = box.name()
  const container = {
    name: 'main',
    image,
    imagePullPolicy: 'Never',
    command: ['/bin/sleep', '765'],
    env: [{ name: 'FROM', value: 'kube' }],
    resources: { limits: { memory: '64Mi' } },
    securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  }
  const file = join(box.dir, 'pod.json')
  const spec = { hostname: 'kubehost', containers: [container] }
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod }, spec }))
  must(box, ['play', 'kube', '--network', 'none', file])
  const command =
    'hostname; id -u; echo $FROM; grep CapBnd /proc/self/status | cut -f2; touch /x 2>/dev/null || echo read-only'
  t.equal(
    must(box, ['exec', `${pod}-main`, '/bin/sh', '-c', command]),
    'kubehost\n1000\nkube\n0000000000000000\nread-only',
  )
  t.equal(inspect(box, `${pod}-main`, '{{.HostConfig.Memory}}'), String(64 << 20))
  t.match(podman(box, ['play', 'kube', '--down', file]), { status: 0 })
})
