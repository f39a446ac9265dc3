/*
 * Swarm mode: three daemons, each in a network namespace of its own on one bridge, like three machines on a network. A replicated
 * service is spread over them, loses replicas and a whole machine, and is scaled and removed. Overlay networks need vxlan in the
 * kernel; virtual addresses need IPVS, so services here only have names (dnsrr) or publish on the host.
 */
import { readFileSync } from 'node:fs'
import { docker, image, importImage, must, startDaemon } from './docker.ts'
import { busyboxArchive, type EngineBox, engineTests, eventually } from './engine.ts'

const nodes = ['one', 'two', 'three'].map((name, i) => ({
  name,
  address: `10.97.53.${i + 1}`,
  host: `unix:///run/${name}/docker.sock`,
}))
type Node = (typeof nodes)[number]

const on = (box: EngineBox, node: Node, ...args: readonly string[]): string => must(box, ['--host', node.host, ...args])
const [manager] = nodes as [Node, ...Node[]]
const swarm = (box: EngineBox, ...args: readonly string[]): string => on(box, manager, ...args)

function sh(box: EngineBox, script: string): void {
  const result = box.run(['sh', '-ec', script])
  if (result.status !== 0) throw new Error(`${script}: ${result.stderr}`)
}

/* A bridge as the network, and for each node a namespace with a veth pair to it. */
const plug = (box: EngineBox): void => {
  sh(box, 'ip link add wire type bridge; ip link set wire up')
  for (const { name, address } of nodes)
    sh(
      box,
      `ip netns add ${name}
       ip link add ${name} type veth peer name eth0 netns ${name}
       ip link set ${name} master wire up
       ip -n ${name} link set lo up
       ip -n ${name} link set eth0 up
       ip -n ${name} addr add ${address}/24 dev eth0`,
    )
}

const start = (box: EngineBox, { name, host }: Node): Promise<() => Promise<void>> =>
  startDaemon(box, {
    wrap: [`nsenter`, `--net=/run/netns/${name}`, 'unshare', '--uts', 'sh', '-c', `hostname ${name}; exec "$@"`, 'sh'],
    flags: [
      '--host',
      host,
      '--data-root',
      `/var/lib/docker/${name}`,
      '--exec-root',
      `/run/${name}`,
      '--pidfile',
      `/run/${name}.pid`,
    ],
    host,
  })

let stops: readonly (() => Promise<void>)[] = []

const dockerTest = engineTests({
  name: 'swarm',
  commands: ['dockerd', 'containerd', 'iptables', 'ip'],
  prepare: async (box) => {
    plug(box)
    stops = await Promise.all(nodes.map((node) => start(box, node)))
    const archive = busyboxArchive(box)
    for (const node of nodes) {
      importImage(box, archive, '--host', node.host)
      // The daemon creates these once and keeps them.
      on(box, node, 'run', '--rm', image, 'true')
    }
    swarm(box, 'swarm', 'init', '--advertise-addr', manager.address, '--dispatcher-heartbeat', '3s')
    const token = swarm(box, 'swarm', 'join-token', '--quiet', 'worker')
    for (const node of nodes.slice(1)) on(box, node, 'swarm', 'join', '--token', token, `${manager.address}:2377`)
    // Created in the background, and kept: the network for published ports.
    const joined = ({ name }: Node): boolean => {
      const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      return [`/run/${name}/netns/ingress_sbox`, `/run/${name}/netns/1-`].every((place) => mounts.includes(place))
    }
    await eventually(() => nodes.every(joined), 'the ingress network')
  },
  cleanUp: async (box) => {
    const services = swarm(box, 'service', 'ls', '--quiet').split('\n').filter(Boolean)
    if (services.length > 0) swarm(box, 'service', 'rm', ...services)
    const containers = (node: Node): string => on(box, node, 'ps', '--all', '--quiet')
    await eventually(() => nodes.every((node) => containers(node) === ''), 'the tasks to be removed')
  },
  stop: async () => {
    await Promise.all(stops.map((stop) => stop()))
  },
})

interface Task {
  readonly node: string
  readonly state: string
  readonly slot: string
}

/** The tasks whose desired state is running, according to the manager. */
const tasks = (box: EngineBox, service: string, ...filters: readonly string[]): readonly Task[] =>
  swarm(box, 'service', 'ps', '--format', '{{.Node}} {{.Name}} {{.CurrentState}}', ...filters, service)
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [node = '', slot = '', state = ''] = line.split(' ')
      return { node, slot, state }
    })

const wanted = ['--filter', 'desired-state=running']

/** Waits until so many tasks run on these nodes. */
const run = (box: EngineBox, service: string, count: number, where: readonly Node[] = nodes): Promise<void> => {
  const settled = (): boolean => {
    const found = tasks(box, service, ...wanted)
    const names = where.map((node) => node.name)
    return found.length === count && found.every(({ state, node }) => state === 'Running' && names.includes(node))
  }
  return eventually(settled, `${count} replicas of ${service}`)
}

function service(box: EngineBox, options: readonly string[], ...command: readonly string[]): string {
  const name = `s-${box.name()}`
  const fixed = ['--detach', '--no-resolve-image', '--stop-grace-period', '1s', '--endpoint-mode', 'dnsrr']
  swarm(box, 'service', 'create', '--name', name, ...fixed, '--restart-delay', '100ms', ...options, image, ...command)
  return name
}

dockerTest('three machines are a swarm', {}, async (t, box) => {
  const ready = (): string => swarm(box, 'node', 'ls', '--format', '{{.Hostname}} {{.Status}}')
  await eventually(() => ready().match(/ Ready/g)?.length === 3, 'all nodes')
  t.same(ready().split('\n').sort(), ['one Ready', 'three Ready', 'two Ready'])
})

dockerTest('a replicated service: spread, healed, scaled, changed, removed', {}, async (t, box) => {
  const name = service(box, ['--replicas', '4', '--limit-memory', '64m'], 'sleep', '1000')
  await run(box, name, 4)
  t.same([...new Set(tasks(box, name, ...wanted).map(({ node }) => node))].sort(), ['one', 'three', 'two'])
  const last = nodes[2] as Node
  const victim = on(box, last, 'ps', '--quiet').split('\n')[0] ?? ''
  t.equal(on(box, last, 'inspect', '--format', '{{.HostConfig.Memory}}', victim), String(64 << 20))
  on(box, last, 'kill', victim)
  const failed = (): boolean => tasks(box, name).some(({ state }) => state === 'Failed')
  await eventually(failed, 'the failed task')
  await run(box, name, 4)
  t.not(on(box, last, 'ps', '--quiet', '--no-trunc').includes(victim), true, 'a new task is in its place')
  swarm(box, 'service', 'scale', '--detach', `${name}=6`)
  await run(box, name, 6)
  swarm(box, 'service', 'update', '--detach', '--env-add', 'A=b', '--update-parallelism', '0', name)
  const changed = (): boolean =>
    on(box, last, 'ps', '--quiet')
      .split('\n')
      .every((id) => hasA(id))
  const hasA = (id: string): boolean =>
    docker(box, ['--host', last.host, 'exec', id, 'sh', '-c', '[ "$A" = b ]']).status === 0
  await eventually(changed, 'the new environment')
  swarm(box, 'service', 'scale', '--detach', `${name}=2`)
  await run(box, name, 2)
  swarm(box, 'service', 'rm', name)
  const left = (): boolean => nodes.some((node) => on(box, node, 'ps', '--all', '--quiet') !== '')
  await eventually(() => !left(), 'the last containers to go')
})

dockerTest('a machine that is drained, and one whose cable is pulled', {}, async (t, box) => {
  const name = service(box, ['--replicas', '3'], 'sleep', '1000')
  const [, two, three] = nodes as [Node, Node, Node]
  await run(box, name, 3)
  swarm(box, 'node', 'update', '--availability', 'drain', two.name)
  await run(box, name, 3, [manager, three])
  swarm(box, 'node', 'update', '--availability', 'active', two.name)
  sh(box, `ip link set ${three.name} down`)
  await run(box, name, 3, [manager, two])
  t.not(on(box, three, 'ps', '--quiet'), '', 'the lost one still runs what it had')
  sh(box, `ip link set ${three.name} up`)
  await eventually(() => on(box, three, 'ps', '--quiet') === '', 'what is surplus to end')
  await run(box, name, 3)
})

dockerTest('a global service that publishes on each host', {}, async (t, box) => {
  const publish = [
    '--mode',
    'global',
    '--publish',
    'mode=host,target=80,published=8080',
    '--hostname',
    '{{.Node.Hostname}}',
  ]
  const name = service(box, publish, 'nc', '-ll', '-p', '80', '-e', 'hostname')
  await run(box, name, 3)
  const other = nodes[1] as Node
  for (const node of nodes) {
    if (node === other) continue
    const ask = () =>
      box.run(['nsenter', `--net=/run/netns/${other.name}`, 'busybox', 'nc', '-w', '2', node.address, '8080'])
    await eventually(() => ask().stdout === `${node.name}\n`, `an answer of ${node.name}`)
  }
  t.pass('each answers on its address')
})

dockerTest('an overlay network across machines', {}, async (t, box) => {
  const network = `net-${box.name()}`
  swarm(box, 'network', 'create', '--driver', 'overlay', network)
  const place = (node: Node): readonly string[] => ['--network', network, '--constraint', `node.hostname==${node.name}`]
  const [, two, three] = nodes as [Node, Node, Node]
  const server = service(box, [...place(two), '--hostname', 'far'], 'nc', '-ll', '-p', '80', '-e', 'hostname')
  const client = service(box, place(three), 'sleep', '1000')
  await run(box, server, 1)
  await run(box, client, 1)
  const id = on(box, three, 'ps', '--quiet')
  const ask = () => docker(box, ['--host', three.host, 'exec', id, 'nc', '-w', '2', server, '80'])
  await eventually(() => ask().stdout === 'far\n', 'an answer from the other machine')
  swarm(box, 'service', 'rm', server, client)
  await eventually(
    () => docker(box, ['--host', manager.host, 'network', 'rm', network]).status === 0,
    'the network to go',
  )
  t.pass('by its name, over vxlan')
})
