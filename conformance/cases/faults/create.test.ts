/* create, then start; and run in the background, with a fault at every step and call: see trials.ts. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { probing } from '../../harness/probe.ts'
import { type Box, type Result, scenario, until } from '../../harness/scenario.ts'
import { difference, guards, topics } from './guards.ts'
import { needsFaults, timeout } from './points.ts'
import { strike } from './trials.ts'

/** The container's output after its end. */
async function reportOf(box: Box, id: string, result: Result): Promise<string> {
  await until(() => box.state(id)?.status === 'stopped', 'the end of the container')
  return guards({ ...result, ...result.later() })
}

/** An engine's console sockets: descriptors sent there are received and closed. */
async function consoleSocket(box: Box): Promise<string> {
  const path = join(box.dir, 'console.sock')
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  await new Promise<void>((done) => server.listen({ path, backlog: 128 }, done))
  box.defer(() => server.close())
  return path
}

interface Case {
  readonly patch?: Patch
  readonly verb: readonly string[]
  readonly share: number
}

const mapping = [{ containerID: 0, hostID: 100_000, size: 65536 }]
const users = {
  uidMappings: mapping,
  gidMappings: mapping,
  namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
}

const cases: Readonly<Record<string, Case>> = {
  'create and start': { verb: ['create'], share: 7 },
  'create and start with a user namespace': { patch: { linux: users }, verb: ['create'], share: 31 },
  'run in the background': { verb: ['run', '--detach'], share: 23 },
}

for (const [name, { patch = {}, verb, share }] of Object.entries(cases)) {
  scenario(name, { skip: needsFaults(), timeout }, async (t, box: Box) => {
    const bundle = box.bundle(probing(topics, patch))
    const command = (id: string): readonly string[] => [...verb, '--bundle', bundle.dir, id]
    const follow = verb[0] === 'create' ? (id: string) => box.call(['start', id]) : undefined
    const first = box.id()
    const created = box.call(command(first))
    follow?.(first)
    const normal = await reportOf(box, first, created)
    box.call(['delete', '--force', first])
    await strike(t, box, {
      name,
      lists: ['runtime', 'container', 'call', 'init'],
      faults: { share },
      command,
      follow,
      check: async (id, result) => difference(await reportOf(box, id, result), normal),
      cleans: 'itself',
    })
  })
}

scenario('create with a terminal', { skip: needsFaults(), timeout }, async (t, box: Box) => {
  const bundle = box.bundle({ process: { terminal: true } })
  const socket = await consoleSocket(box)
  await strike(t, box, {
    name: 'create with a terminal',
    lists: ['runtime', 'container', 'call', 'init'],
    faults: { share: 31 },
    command: (id) => ['create', '--console-socket', socket, '--bundle', bundle.dir, id],
    follow: (id) => box.call(['start', id]),
    check: () => undefined,
    cleans: 'itself',
  })
})
