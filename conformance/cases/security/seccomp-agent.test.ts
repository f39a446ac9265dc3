/*
 * Misbehaving seccomp agents (linux.seccomp.listenerPath): they close the connection, send data, never read or never accept; and paths
 * that are not sockets. The runtime ends, by itself or by `delete --force`, and the container inherits no descriptor of it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { compiled } from '../../harness/project.ts'
import { type Box, type Result, scenario, until } from '../../harness/scenario.ts'

const peers = { runc: 'no agent in Debian’s build', crun: 'has other words' } as const

/** Node code of each agent: what it does when it listens, and with a connection. */
const agents = {
  'hangs up': `server.on('connection', (socket) => socket.destroy())`,
  'hangs up when it has the listener': `server.on('connection', (socket) => {
    socket.once('data', () => socket.destroy()).resume()
  })`,
  'talks back': `server.on('connection', (socket) => {
    socket.once('data', () => socket.write('x'.repeat(100_000), () => socket.destroy())).resume()
  })`,
  'does not read': '',
  // Its own clients fill the backlog, and then it does nothing.
  'does not accept': `server.on('listening', () => {
    for (let i = 0; i < 4; i++) net.connect(path).on('error', () => {})
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`,
} as const

async function openAgent(box: Box, kind: keyof typeof agents): Promise<string> {
  const path = join(box.dir, 'agent.sock')
  const program = `const [net, path] = [require('node:net'), ${JSON.stringify(path)}]
    const server = net.createServer({ pauseOnConnect: true })
    server.on('connection', (socket) => socket.on('error', () => {}))
    server.on('listening', () => process.stdout.write('listening\\n'))
    ${agents[kind]}
    server.listen({ path, backlog: 1 })`
  const running = box.helper([process.execPath, '-e', program])
  await until(() => running.output().stdout.includes('listening'), 'the agent')
  return path
}

const notifying = (listenerPath: string, patch: Patch = {}): Patch => ({
  ...patch,
  process: { args: ['/bin/probe', 'fds'] },
  linux: {
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath,
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
    },
  },
})

const run = (box: Box, patch: Patch): Result => box.call(['run', '--bundle', box.bundle(patch).dir, box.id()])

const lost = /linux\.seccomp\.listenerPath: failed to connect with seccomp agent: sendmsg: (EPIPE|ECONNRESET)/

for (const kind of ['hangs up', 'hangs up when it has the listener', 'talks back'] as const) {
  scenario(`an agent that ${kind}: the container has no descriptor of it, or run fails`, { peers }, async (t, box) => {
    const result = run(box, notifying(await openAgent(box, kind)))
    if (result.status === 0) t.match(result.stdout, /^== fds\n0 .*\n1 .*\n2 .*\n$/, 'it has no descriptor of ours')
    else t.match(result, { status: 1, stderr: lost })
  })
}

for (const [kind, annotations] of [
  ['does not read', { large: 'x'.repeat(1_000_000) }],
  ['does not accept', {}],
] as const) {
  scenario(`an agent that ${kind}: delete --force ends create`, { peers }, async (t, box) => {
    const { dir } = box.bundle(notifying(await openAgent(box, kind), { annotations }))
    const id = box.id()
    const creating = box.begin(['create', '--bundle', dir, id], { stdin: '' })
    await until(() => box.state(id)?.status === 'creating', 'the container')
    t.match(box.call(['list', '--quiet']), { status: 0, stdout: `${id}\n` }, 'list does not wait')
    t.equal(box.call(['delete', '--force', id], { timeout: 30_000 }).status, 0)
    t.equal((await creating.exited).status, 137)
    t.equal(box.state(id), undefined)
  })
}

scenario('an agent that does not answer: kill and delete do not wait for it', { peers }, async (t, box) => {
  const patch = notifying(await openAgent(box, 'does not read'))
  const bundle = box.bundle({ ...patch, process: { args: ['mkdir', '/tmp/x'] } })
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id]).status, 0)
  // SECCOMP_RET_USER_NOTIF waits in the call.
  const { pid } = box.state(id) ?? {}
  await until(() => readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('seccomp'), 'the call')
  t.match(box.call(['exec', id, 'echo', 'joined']), { status: 0, stdout: 'joined\n' })
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('a listenerPath that is no socket is an error', { peers }, async (t, box) => {
  const at = (name: string): string => join(box.dir, name)
  writeFileSync(at('file'), '')
  mkdirSync(at('directory'))
  execFileSync('mkfifo', [at('fifo')])
  const manager = box.helper([compiled('aid'), 'manager', at('datagram')])
  await until(() => manager.output().stdout.startsWith('listening\n'), 'aid manager')
  const errors = { file: 'ECONNREFUSED', directory: 'ECONNREFUSED', fifo: 'ECONNREFUSED', datagram: 'EPROTOTYPE' }
  const { rootfs } = box.bundle({}, { name: 'first' })
  for (const [name, code] of Object.entries(errors)) {
    const { dir } = box.bundle(notifying(at(name), { root: { path: rootfs } }), { name: `b-${name}`, rootfs: 'none' })
    const result = box.call(['run', '--bundle', dir, box.id()], { timeout: 10_000 })
    t.equal(result.status, 1, name)
    t.match(result.stderr, new RegExp(`linux\\.seccomp\\.listenerPath: .*connect .*/${name}: ${code}`))
  }
})
