/*
 * Docker's networks, as compose would create them: two bridges with name resolution, containers on one, the other and
 * both, a port published on loopback, connecting and disconnecting at run time. The firewall is unchanged afterwards.
 */
import type { Test } from 'tap'
import { docker, dockerTest, inspect, must, started } from './docker.ts'
import { type EngineBox, eventually } from './engine.ts'

/* A server that prints its name. Without a C library busybox's wget cannot resolve names, but nc can. */
const server = (box: EngineBox, ...options: readonly string[]): string =>
  started(box, options, 'nc', '-ll', '-p', '80', '-e', 'hostname')

const ask = (box: EngineBox, from: string, host: string): string =>
  docker(box, ['exec', from, 'nc', '-w', '2', host, '80']).stdout.trim()

/* The reply of a server, which may not listen yet. */
async function reply(box: EngineBox, from: string, host: string): Promise<string> {
  let text = ''
  const asked = (): boolean => {
    text = ask(box, from, host)
    return text !== ''
  }
  await eventually(asked, `${host} from ${from}`)
  return text
}

/** Rules without counters and comments. */
const firewall = (box: EngineBox): readonly string[] =>
  box
    .run(['iptables-save'])
    .stdout.split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/\[\d+:\d+\]/, ''))

function network(t: Test, box: EngineBox): string {
  const rules = firewall(box)
  const name = `net-${box.name()}`
  const bridge = `br-${must(box, ['network', 'create', name]).trim().slice(0, 12)}`
  // Docker 28 has rules for each container's address: those of another network's containers are removed with that
  // network.
  const isOfOther = (rule: string): boolean => / ! -i br-/.test(rule) && !rule.includes(bridge)
  // Deferred before the engine's own cleanup, so that it runs after it.
  box.defer(() => {
    const used = must(box, ['network', 'inspect', '--format', '{{range $id, $_ := .Containers}}{{$id}} {{end}}', name])
    for (const id of used.split(' ').filter(Boolean)) must(box, ['rm', '--force', id])
    must(box, ['network', 'rm', name])
    const left = firewall(box).filter((rule) => !isOfOther(rule) || rules.includes(rule))
    t.same(left, rules, `no rule of ${name} is left`)
  })
  return name
}

dockerTest('two networks, and names on each', {}, async (t, box) => {
  const [front, back] = [network(t, box), network(t, box)]
  const store = server(box, '--network', back, '--network-alias', 'store', '--hostname', 'store')
  const app = server(box, '--network', back, '--network-alias', 'app', '--hostname', 'app')
  // A name server that refuses connections, so that unknown names fail without a timeout.
  const web = server(box, '--network', front, '--network-alias', 'web', '--hostname', 'web', '--dns', '127.0.0.1')
  must(box, ['network', 'connect', '--alias', 'app', front, app])
  t.equal(await reply(box, app, 'store'), 'store', 'on the network of its start')
  t.equal(await reply(box, app, 'web'), 'web', 'on the one that it joined while it ran')
  t.equal(await reply(box, web, 'app'), 'app')
  t.equal(ask(box, web, 'store'), '', 'a name of another network is unknown')
  const address = inspect(box, store, '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
  t.equal(await reply(box, app, address), 'store')
  t.equal(ask(box, web, address), '', 'and its address out of reach')
  must(box, ['network', 'disconnect', front, app])
  t.equal(ask(box, web, 'app'), '')
})

dockerTest('a port published on loopback', {}, async (t, box) => {
  const name = server(box, '--publish', '127.0.0.1::80', '--hostname', 'published')
  const address = must(box, ['port', name, '80'])
  t.match(address, /^127\.0\.0\.1:\d+$/)
  const get = (): string => box.run(['busybox', 'nc', '-w', '2', ...address.split(':')]).stdout
  await eventually(() => get() === 'published\n', 'the published port')
  must(box, ['stop', '--time', '0', name])
  t.equal(get(), '', 'closed with the container')
  must(box, ['start', name])
  t.match(must(box, ['port', name, '80']), /^127\.0\.0\.1:\d+$/)
})

dockerTest('an address of one’s own, and the hosts file', {}, (t, box) => {
  const name = `net-${box.name()}`
  must(box, ['network', 'create', '--internal', '--subnet', '10.98.76.0/24', name])
  const options = ['--network', name, '--ip', '10.98.76.54', '--add-host', 'elsewhere:10.0.0.1', '--hostname', 'here']
  const id = started(box, options, 'sleep', '1000')
  t.match(must(box, ['exec', id, 'ip', '-o', '-4', 'addr', 'show', 'eth0']), /inet 10\.98\.76\.54\/24/)
  t.match(must(box, ['exec', id, 'cat', '/etc/hosts']), /^10\.0\.0\.1\telsewhere\n10\.98\.76\.54\there$/m)
  t.match(must(box, ['exec', id, 'cat', '/etc/resolv.conf']), /127\.0\.0\.11/)
  must(box, ['rm', '--force', id])
  must(box, ['network', 'rm', name])
})
