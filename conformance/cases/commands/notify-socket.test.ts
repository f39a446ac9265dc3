/*
 * NOTIFY_SOCKET (sd_notify(3)): the container gets a socket of its own, its READY=1 reaches the service manager with the
 * pid to watch, and no other message does; commands that wait for it also return when the container ends.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { probing, readReport } from '../../harness/probe.ts'
import { compiled } from '../../harness/project.ts'
import { type Box, pause, type Running, scenario, until } from '../../harness/scenario.ts'

interface Manager {
  readonly env: Readonly<Record<string, string>>
  readonly messages: () => readonly string[]
}

async function openManager(box: Box, address = join(box.dir, 'manager.sock')): Promise<Manager> {
  const running = box.helper([compiled('aid'), 'manager', address])
  await until(() => running.output().stdout.startsWith('listening\n'), 'aid manager')
  return {
    env: { NOTIFY_SOCKET: address },
    messages: () => [...running.output().stdout.matchAll(/^notify (.*)$/gm)].map(([, text = '']) => text),
  }
}

/** Sends each text as a datagram to the socket in the environment, then prints "sent" and waits. */
const telling = (texts: string | readonly string[], patch: Patch = {}): Patch =>
  probing([...[texts].flat().map((text) => `notify:${text}`), 'say:sent', 'wait'], patch)

const expected = (pid: number | undefined): string => `MAINPID=${pid}|READY=1|`
const ready = 'STATUS=up\nREADY=1'

async function ended(t: Test, box: Box, id: string): Promise<void> {
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(box.call(['delete', id]).status, 0)
}

const peers = {
  runc: 'tells READY=1 first, without a barrier, and hangs in the foreground',
  crun: 'does not tell the process',
} as const

for (const abstract of [false, true]) {
  scenario(
    `run --detach returns when the container is ready${abstract ? ', abstract' : ''}`,
    { peers },
    async (t, box) => {
      const manager = await openManager(box, abstract ? `@${box.id()}` : undefined)
      const bundle = box.bundle(telling(['STATUS=starting', 'MAINPID=1', ready]))
      const id = box.id()
      const result = box.call(['run', '--detach', '--bundle', bundle.dir, id], { env: manager.env })
      t.equal(result.status, 0, result.stderr)
      t.same(manager.messages(), [expected(box.state(id)?.pid), 'BARRIER=1'], "the container's own MAINPID is not told")
      await ended(t, box, id)
    },
  )
}

scenario('run --detach of a container that ends without READY=1', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const bundle = box.bundle(probing(['exit:3']))
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', bundle.dir, id], { env: manager.env }).status, 0)
  t.same(manager.messages(), [])
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('run in the foreground: the main process is the runtime', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const bundle = box.bundle(telling(['STATUS=starting', ready, 'READY=1']))
  const running = box.begin(['run', '--bundle', bundle.dir, box.id()], { env: manager.env })
  await until(() => manager.messages().length > 0, 'the message')
  await until(() => /^ready$/m.test(running.output().stdout), 'the handlers')
  running.kill('SIGTERM')
  t.equal((await running.exited).status, 42, 'it goes on forwarding signals')
  t.same(manager.messages(), [expected(running.pid)], 'once')
})

scenario('run in the foreground of a container that sends no READY=1', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const bundle = box.bundle(probing(['exit:5']))
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()], { env: manager.env }).status, 5)
  t.same(manager.messages(), [])
})

scenario('start waits for READY=1, and delete ends the wait', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const id = box.id()
  t.equal(box.call(['create', '--bundle', box.bundle(telling(ready)).dir, id], { env: manager.env }).status, 0)
  t.equal(box.call(['start', id], { env: manager.env }).status, 0)
  t.same(manager.messages(), [expected(box.state(id)?.pid), 'BARRIER=1'])
  await ended(t, box, id)
  const silent = box.bundle(probing(['wait']), { name: 'silent' })
  const other = box.id()
  t.equal(box.call(['create', '--bundle', silent.dir, other], { env: manager.env }).status, 0)
  const waiting: Running = box.begin(['start', other], { env: manager.env })
  await until(() => box.state(other)?.status === 'running', 'running')
  await pause(50)
  t.equal(box.call(['delete', '--force', other]).status, 0)
  t.equal((await waiting.exited).status, 0)
})

scenario('the container sees its socket, read-only, and not the manager’s', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const topics = [
    'env',
    'dir:/run/notify',
    'stat:/run/notify/notify.sock',
    'write:/run/notify/x',
    'file:/proc/self/mountinfo',
  ]
  const bundle = box.bundle(probing(topics, { process: { user: { uid: 1000, gid: 1000 } } }))
  const report = readReport(box.call(['run', '--bundle', bundle.dir, box.id()], { env: manager.env }))
  t.match(report.text('env'), /^NOTIFY_SOCKET=\/run\/notify\/notify\.sock$/m)
  t.same(report.lines('dir:/run/notify'), ['notify.sock'])
  t.match(report.text('stat:/run/notify/notify.sock'), /^socket 0777/)
  t.notMatch(report.text('write:/run/notify/x'), /^ok/)
  t.match(report.mounts().find(({ target }) => target === '/run/notify')?.options, /ro,nosuid,nodev,noexec/)
})

scenario('a container with a user namespace, and a tmpfs on /run, is ready too', { peers }, async (t, box) => {
  const manager = await openManager(box)
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  const bundle = box.bundle(
    telling(ready, {
      mounts: mountsWith({ destination: '/run', type: 'tmpfs', source: 'tmpfs' }),
      linux: {
        namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
        uidMappings: mapping,
        gidMappings: mapping,
      },
    }),
  )
  mkdirSync(join(bundle.rootfs, 'run'))
  const id = box.id()
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id], { env: manager.env })
  t.equal(result.status, 0, result.stderr)
  t.same(manager.messages()[0], expected(box.state(id)?.pid))
  await ended(t, box, id)
})

scenario('a missing service manager does not delay the start', { peers }, (t, box) => {
  for (const address of [join(box.dir, 'nobody'), 'vsock:2:1234']) {
    const bundle = box.bundle(telling(ready), { name: `bundle-${address.length}` })
    const id = box.id()
    const log = join(box.dir, `log-${address.length}`)
    const args = ['--log', log, 'run', '--detach', '--bundle', bundle.dir, id]
    const result = box.call(args, { env: { NOTIFY_SOCKET: address } })
    t.equal(result.status, 0, result.stderr)
    t.match(readFileSync(log, 'utf8'), /level=warning msg=.*NOTIFY_SOCKET/)
    t.equal(box.call(['delete', '--force', id]).status, 0)
  }
})
