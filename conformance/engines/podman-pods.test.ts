/*
 * Pods and networks: containers that share namespaces, netavark's bridges, name resolution and port mapping. The bridge is in the
 * test's own network namespace (isolated.sh), so the machine's firewall does not change.
 */
import { spawnSync } from 'node:child_process'
import { needsCommand, type Skip } from '../harness/requires.ts'
import { until } from '../harness/scenario.ts'
import { inspect, must, podman, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

/* netavark calls iptables in Debian 12 and nft in Debian 13. A user's bridge would be in a network namespace of the user's. */
function needsFirewall(): Skip {
  if (process.getuid?.() !== 0) return 'not root'
  const isOld = / 4\./.test(spawnSync('podman', ['--version'], { encoding: 'utf8' }).stdout)
  return needsCommand(isOld ? 'iptables' : 'nft')
}

podmanTest('a pod: shared namespaces, its own hostname, stopped and removed together', {}, (t, box) => {
  const [pod, one, two] = [box.name(), box.name(), box.name()]
  must(box, ['pod', 'create', '--name', pod, '--network', 'none', '--hostname', 'podhost'])
  must(box, ['run', '--detach', '--pod', pod, '--name', one, image, 'sleep', '1000'])
  must(box, ['run', '--detach', '--pod', pod, '--name', two, image, 'sleep', '1000'])
  const links = ['sh', '-c', 'hostname; for n in ipc net uts; do readlink /proc/self/ns/$n; done']
  t.equal(must(box, ['exec', one, ...links]), must(box, ['exec', two, ...links]))
  t.match(must(box, ['exec', one, 'hostname']), 'podhost')
  t.equal(must(box, ['pod', 'inspect', '--format', '{{.State}} {{.NumContainers}}', pod]), 'Running 3')
  must(box, ['pod', 'pause', pod])
  must(box, ['pod', 'unpause', pod])
  must(box, ['pod', 'stop', '--time', '0', pod])
  t.equal(must(box, ['pod', 'inspect', '--format', '{{.State}}', pod]), 'Exited')
  must(box, ['pod', 'start', pod])
  must(box, ['pod', 'rm', '--force', '--time', '0', pod])
})

podmanTest('a pod with a shared pid namespace and limits of its own', {}, (t, box) => {
  const [pod, one] = [box.name(), box.name()]
  must(box, ['pod', 'create', '--name', pod, '--network', 'none', '--share', 'pid,ipc', '--cpus', '0.5'])
  must(box, ['run', '--detach', '--pod', pod, '--name', one, image, 'sleep', '876'])
  t.match(must(box, ['run', '--rm', '--pod', pod, image, 'ps']), /sleep 876/)
})

/** The response of an HTTP server, or the error. */
async function fetched(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text()
  } catch (error) {
    return String(error)
  }
}

podmanTest('a bridge network: an address, and a published port', { skip: needsFirewall() }, async (t, box) => {
  const server = box.name()
  const command = 'mkdir /www && echo served >/www/index.html && exec httpd -f -p 80 -h /www'
  must(box, [
    'run',
    '--detach',
    '--name',
    server,
    '--network',
    'podman',
    '--publish',
    '127.0.0.1:8123:80',
    image,
    'sh',
    '-c',
    command,
  ])
  const address = inspect(box, server, '{{.NetworkSettings.IPAddress}}')
  await until(() => must(box, ['exec', server, 'netstat', '-ltn']).includes(':80 '), 'the server')
  t.equal(await fetched(`http://${address}/`), 'served\n', 'by its address')
  t.equal(await fetched('http://127.0.0.1:8123/'), 'served\n', 'by the published port')
  const request = `echo "GET / HTTP/1.0" | nc -w 5 ${address} 80`
  t.match(
    must(box, ['run', '--rm', '--network', 'podman', image, 'sh', '-c', request]),
    /200 OK/,
    'by another container',
  )
})

podmanTest('a network of one’s own, connected while the container runs', { skip: needsFirewall() }, (t, box) => {
  const [network, name] = [box.name(), box.name()]
  must(box, ['network', 'create', '--disable-dns', network])
  box.defer(() => podman(box, ['network', 'rm', '--force', network]))
  must(box, ['run', '--detach', '--name', name, '--network', 'podman', image, 'sleep', '1000'])
  const interfaces = (): number => must(box, ['exec', name, 'ip', '-o', 'link']).split('\n').length
  const before = interfaces()
  must(box, ['network', 'connect', network, name])
  t.equal(interfaces(), before + 1)
  must(box, ['network', 'disconnect', network, name])
  t.equal(interfaces(), before)
})
