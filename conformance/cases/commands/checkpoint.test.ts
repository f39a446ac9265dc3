/*
 * checkpoint and restore (runc-checkpoint(8), runc-restore(8)): a container continues where it stopped, with its memory and its own file
 * systems. Needs a criu that works with this kernel: Debian 12's does not work with a new one, the virtual machine's does.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { mountsWithout } from '../../harness/bundle.ts'
import { cgroups } from '../../harness/census.ts'
import { cgroupOf, pidsUpTo } from '../../harness/cgroup.ts'
import { openConsole } from '../../harness/console.ts'
import { count, counter, counting, inMemory, needsCriu, quiet, quietly } from '../../harness/criu.ts'
import { either, needsCommand, needsController, needsFile, needsV2, type Skip } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'

const skip = needsCriu

scenario('restore continues from the checkpoint', { skip }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const [images, pidFile] = [join(inMemory(box), 'images'), join(box.dir, 'pid')]
  const id = await counter(t, box, bundle)
  const before = count(box, id)
  t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stdout: '', stderr: '' })
  t.equal(box.state(id), undefined, 'the container is deleted')

  const restored = box.id()
  const args = ['restore', '-d', '--image-path', images, '--bundle', bundle, '--pid-file', pidFile, restored]
  t.equal(box.call(args, { wrap: quiet }).status, 0)
  const state = box.state(restored)
  t.equal(state?.status, 'running')
  t.equal(readFileSync(pidFile, 'utf8'), String(state?.pid))
  t.ok(count(box, restored) >= before, 'with its memory')
  const after = count(box, restored)
  await until(() => count(box, restored) > after + 1, 'further counting')
  t.match(readFileSync(`/proc/${state?.pid}/cgroup`, 'utf8'), restored, 'in cgroups of its own')
  t.equal(box.call(args, { wrap: quiet }).status, 1, 'the id is taken')
  t.equal(box.state(restored)?.status, 'running', 'which does it no harm')
  t.equal(box.call(['delete', '--force', restored]).status, 0)
})

scenario('three rounds of checkpoint and restore keep the processes of exec', { skip }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const all = inMemory(box)
  const id = await counter(t, box, bundle)
  const inside = (...args: readonly string[]) => box.call(['exec', id, ...args]).stdout.trim()
  for (const round of ['first', 'second', 'third']) {
    // Its parent exits, so it becomes a child of the container's first process and is saved with it. A loop, because
    // CRIU 4.1 interrupts a sleep, with runc too.
    const loop = `sh -c 'while :; do sleep 1; done' stays`
    const stays = `${loop} </dev/null >/dev/null 2>&1 & echo $! >/dev/shm/${round}`
    t.equal(box.call(['exec', id, 'sh', '-c', stays]).status, 0)
    const before = count(box, id)
    const images = join(all, round)
    t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' }, round)
    const args = ['restore', '-d', '--image-path', images, '--bundle', bundle, id]
    t.equal(box.call(args, { wrap: quiet }).status, 0, `${round}: it is restored`)
    t.ok(count(box, id) >= before, `${round}: with its memory`)
    for (const type of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']) {
      const init = readlinkSync(`/proc/${box.state(id)?.pid}/ns/${type}`)
      t.equal(inside('readlink', `/proc/self/ns/${type}`), init, `${round}: exec joins its ${type} namespace`)
    }
    t.match(inside('sh', '-c', `cat /proc/$(cat /dev/shm/${round})/cmdline | tr '\\0' ' '`), / stays/, round)
  }
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const feature = (name: string): Skip =>
  skip || spawnSync('criu', ['check', '--feature', name], { stdio: 'ignore' }).status === 0
    ? false
    : `no ${name} for criu in this kernel`

scenario(
  'checkpoint --leave-running after --pre-dump',
  { skip: either(skip, feature('mem_dirty_track')) },
  async (t, box) => {
    const bundle = box.bundle(counting).dir
    const id = await counter(t, box, bundle)
    const all = inMemory(box)
    const [first, second] = [join(all, 'first'), join(all, 'second')]
    t.match(box.call(['checkpoint', '--pre-dump', '--image-path', first, id]), { status: 0, stderr: '' })
    t.equal(box.state(id)?.status, 'running')
    const rest = ['--parent-path', '../first', '--leave-running', '--image-path', second]
    t.match(box.call(['checkpoint', ...rest, id]), { status: 0, stderr: '' })
    const now = count(box, id)
    await until(() => count(box, id) > now + 1, 'it goes on')
    t.ok(existsSync(join(second, 'parent')), 'with the earlier images behind the later ones')
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario('checkpoint --leave-running', { skip }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const id = await counter(t, box, bundle)
  const images = join(inMemory(box), 'images')
  t.match(box.call(['checkpoint', '--leave-running', '--image-path', images, id]), { status: 0, stderr: '' })
  const now = count(box, id)
  await until(() => count(box, id) > now + 1, 'further counting')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('restore in the foreground, with hooks', { skip }, async (t, box) => {
  const told = join(box.dir, 'told')
  const script = (kind: string) => `(echo ${kind}; cat; echo; readlink /proc/self/ns/mnt) >>${told}`
  const hook = (kind: string) => [{ path: '/bin/sh', args: ['sh', '-c', script(kind)] }]
  const bundle = box.bundle({
    ...counting,
    hooks: { createRuntime: hook('createRuntime'), poststop: hook('poststop') },
  }).dir
  const images = join(inMemory(box), 'images')
  const id = await counter(t, box, bundle)
  t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
  writeFileSync(told, '')
  const running = box.begin(['restore', '--image-path', images, '--bundle', bundle, id], { wrap: quiet })
  await until(() => box.state(id)?.status === 'running', 'the container')
  const pid = box.state(id)?.pid
  running.kill('SIGKILL') // kills the shell that has become runt: the container continues without its runtime
  await running.exited
  t.equal(box.state(id)?.pid, pid)
  t.equal(box.call(['delete', '--force', id]).status, 0)
  const lines = readFileSync(told, 'utf8').trim().split('\n')
  t.same([lines[0], lines[3]], ['createRuntime', 'poststop'])
  const mounts = readlinkSync('/proc/self/ns/mnt')
  t.same([lines[2], lines[5]], [mounts, mounts], 'what a hook mounts is on the host')
  t.match(JSON.parse(lines[1] ?? ''), { id, pid, bundle })
})

scenario(
  'restore that cannot watch its container removes it',
  { skip: either(skip, needsCommand('strace')) },
  async (t, box) => {
    const bundle = box.bundle(counting).dir
    const images = join(inMemory(box), 'images')
    const id = await counter(t, box, bundle)
    t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
    const wrap = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=signalfd4:error=EMFILE']
    const result = box.call(['restore', '--image-path', images, '--bundle', bundle, id], { wrap })
    t.match(result, { status: 1, stderr: /EMFILE/ }, result.stderr)
    t.equal(box.state(id), undefined)
  },
)

scenario('a container with a user namespace, whose root reads the images', { skip }, async (t, box) => {
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }))
  const linux = { namespaces, uidMappings: mapping, gidMappings: mapping }
  const bundle = box.bundle({ ...counting, linux }).dir
  const images = join(inMemory(box), 'images')
  const id = await counter(t, box, bundle)
  t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
  const { mode, gid, uid } = statSync(images)
  t.same([mode & 0o777, uid, gid], [0o710, 0, 100_000])
  const args = ['restore', '-d', '--image-path', images, '--bundle', bundle, id]
  chmodSync(images, 0o700)
  t.match(box.call(args), {
    status: 1,
    stderr: /criu: restore: .*--image-path .* may not be searchable .*\(chgrp 100000/s,
  })
  chmodSync(images, 0o710)
  t.equal(box.call(args, { wrap: quiet }).status, 0)
  const now = count(box, id)
  await until(() => count(box, id) > now, 'further counting')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('--lazy-pages loads pages on demand', { skip: either(skip, feature('uffd')) }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const all = inMemory(box)
  const [images, work] = [join(all, 'images'), join(all, 'work')]
  const id = await counter(t, box, bundle)
  t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
  mkdirSync(work)
  const daemon = box.helper(['criu', 'lazy-pages', '--images-dir', images, '--work-dir', work])
  await until(() => existsSync(join(work, 'lazy-pages.socket')), 'the server of pages')
  const args = ['restore', '-d', '--lazy-pages', '--image-path', images, '--work-path', work, '--bundle', bundle, id]
  t.equal(box.call(args, { wrap: quiet }).status, 0)
  t.equal((await daemon.exited).status, 0, 'it has given away all of them')
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('--page-server sends pages to a server', { skip }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const all = inMemory(box)
  const [images, pages, socket] = [join(all, 'images'), join(all, 'pages'), 27_277]
  mkdirSync(pages)
  const id = await counter(t, box, bundle)
  const server = box.helper(['criu', 'page-server', '--images-dir', pages, '--port', String(socket)])
  await until(
    () => readFileSync('/proc/net/tcp', 'utf8').includes(`:${socket.toString(16).toUpperCase()} `),
    'the server',
  )
  t.equal(box.call(['checkpoint', '--page-server', `127.0.0.1:${socket}`, '--image-path', images, id]).status, 0)
  t.equal((await server.exited).status, 0)
  t.notOk(
    readdirSync(images).some((name) => name.startsWith('pages-')),
    'only there',
  )
  t.ok(readdirSync(pages).some((name) => name.startsWith('pages-')))
})

scenario('an established connection', { skip }, async (t, box) => {
  const script = 'mkfifo /dev/shm/in; exec 3<>/dev/shm/in; exec nc 127.0.0.1 27278 <&3 >/dev/shm/got'
  const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
  const bundle = box.bundle({ process: { args: ['sh', '-c', script] }, linux: { namespaces } }).dir
  const images = join(inMemory(box), 'images')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  await new Promise<void>((listening) => server.listen(27_278, '127.0.0.1', listening))
  box.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle, id], { wrap: quiet }).status, 0)
  await until(() => sockets.size > 0, 'the connection')
  const got = () => box.call(['exec', id, 'cat', '/dev/shm/got']).stdout
  const say = async (text: string) => {
    for (const socket of sockets) socket.write(text)
    await until(() => got().endsWith(text), text)
  }
  await say('before')
  const checkpoint = (...flags: readonly string[]) => box.call(['checkpoint', '--image-path', images, ...flags, id])
  t.match(checkpoint(), { status: 1, stderr: /Connected TCP socket/ })
  t.equal(checkpoint('--tcp-established').status, 0)
  const args = ['restore', '-d', '--tcp-established', '--image-path', images, '--bundle', bundle, id]
  t.equal(box.call(args, { wrap: quiet }).status, 0)
  await say('after')
  t.equal(sockets.size, 1, 'the same connection')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

const noSystemd = either(skip, needsFile('/run/systemd/private'), needsV2())
scenario('a container of systemd is restored into a scope of its own', { skip: noSystemd }, async (t, box) => {
  const bundle = box.bundle({ ...counting, linux: { resources: { pids: { limit: 30 } } } }).dir
  const images = join(inMemory(box), 'images')
  const call = (...args: readonly string[]) => box.call(['--systemd-cgroup', ...args], { wrap: quiet })
  const show = (unit: string, name: string): string =>
    spawnSync('systemctl', ['show', '--property', name, '--value', unit], { encoding: 'utf8' }).stdout.trim()
  const [first, second] = [box.id(), box.id()]
  t.equal(call('run', '-d', '--bundle', bundle, first).status, 0)
  await until(() => count(box, first) > 2, 'a count')
  t.equal(call('checkpoint', '--image-path', images, first).status, 0)
  t.not(show(`runt-${first}.scope`, 'ActiveState'), 'active', 'the scope has ended with its container')
  t.equal(call('restore', '-d', '--image-path', images, '--bundle', bundle, second).status, 0)
  const unit = `runt-${second}.scope`
  t.same([show(unit, 'ActiveState'), show(unit, 'TasksMax')], ['active', '30'])
  t.match(readFileSync(`/proc/${box.state(second)?.pid}/cgroup`, 'utf8'), `/system.slice/${unit}`)
  const now = count(box, second)
  await until(() => count(box, second) > now + 1, 'further counting')
  t.equal(call('restore', '-d', '--image-path', box.dir, '--bundle', bundle, first).status, 1)
  t.equal(show(`runt-${first}.scope`, 'LoadState'), 'not-found', 'a failed restore leaves no unit')
  t.equal(call('delete', '--force', second).status, 0)
  t.equal(show(unit, 'LoadState'), 'not-found')
})

const disabled = '--cgroup-manager=disabled'
scenario('--cgroup-manager=disabled restore makes no cgroup, and the other way round', { skip }, async (t, box) => {
  const mounts = mountsWithout('/sys/fs/cgroup')
  const bundle = box.bundle({ ...counting, mounts }).dir
  for (const [before, after] of [
    [[], [disabled]],
    [[disabled], [disabled]],
    [[disabled], []],
  ] as const) {
    const name = `${before} to ${after}`
    const images = join(inMemory(box), 'images')
    const [id, restored] = [box.id(), box.id()]
    const none = cgroups()
    t.equal(box.call([...before, 'run', '-d', '--bundle', bundle, id], { wrap: quiet }).status, 0, name)
    await until(() => count(box, id) > 2, 'a count')
    t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' }, name)
    const args = ['restore', '-d', '--image-path', images, '--bundle', bundle, restored]
    const { status, stderr } = quietly(box, [...after, ...args])
    t.equal(status, 0, stderr)
    if (after.length > 0) {
      t.same(cgroups(), none, `${name}: no cgroup is there`)
      t.equal(
        readFileSync(`/proc/${box.state(restored)?.pid}/cgroup`, 'utf8'),
        readFileSync('/proc/self/cgroup', 'utf8'),
      )
    } else t.match(readFileSync(`/proc/${box.state(restored)?.pid}/cgroup`, 'utf8'), restored, name)
    t.match(box.call(['delete', '--force', restored]), { status: 0, stderr: '' })
    t.same(cgroups(), none, `${name}: nothing stays`)
  }
})

const noPids = either(skip, needsController('pids'))
scenario('a pids limit of one is restored, also if update has set it', { skip: noPids }, async (t, box) => {
  // It cannot fork, and CRIU 4.1 interrupts a sleep: tail goes on.
  const args = ['sh', '-c', ': >/dev/shm/up; exec tail -f /dev/null']
  for (const [limit, updated] of [
    [1, undefined],
    [50, 1],
  ] as const) {
    const bundle = box.bundle({ process: { args }, linux: { resources: pidsUpTo(limit) } }, { name: `of-${limit}` }).dir
    const images = join(inMemory(box), 'images')
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', bundle, id], { wrap: quiet }).status, 0)
    await until(() => box.call(['exec', id, 'ls', '/dev/shm/up']).status === 0, 'the process')
    const pidsMax = () => readFileSync(join(cgroupOf(box.state(id)?.pid, 'pids'), 'pids.max'), 'utf8').trim()
    if (updated !== undefined) t.equal(box.call(['update', '--pids-limit', `${updated}`, id]).status, 0)
    t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' })
    const { status, stderr } = quietly(box, ['restore', '-d', '--image-path', images, '--bundle', bundle, id])
    t.equal(status, 0, stderr)
    t.equal(pidsMax(), `${limit}`, "the limit is the bundle's, as with runc")
    t.equal(box.call(['exec', id, 'ls', '/dev/shm/up']).status, 0)
    t.equal(box.call(['delete', '--force', id]).status, 0)
  }
})

scenario('the status of a restored process is that of restore', { skip }, async (t, box) => {
  const script = 'touch /dev/shm/up; while [ ! -e /dev/shm/go ]; do sleep 0.02; done; exit 7'
  const bundle = box.bundle({ process: { args: ['sh', '-c', script] } }).dir
  const images = join(inMemory(box), 'images')
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle, id], { wrap: quiet }).status, 0)
  await until(() => box.call(['exec', id, 'ls', '/dev/shm/up']).status === 0, 'the process')
  t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
  const running = box.begin(['restore', '--image-path', images, '--bundle', bundle, id], { wrap: quiet })
  await until(() => box.call(['exec', id, 'touch', '/dev/shm/go']).status === 0, 'the container')
  t.equal((await running.exited).status, 7)
  t.equal(box.state(id), undefined, 'and the container is gone')
})

scenario('restore sends the new terminal to the console socket', { skip }, async (t, box) => {
  const script = 'while read line; do echo "heard $line"; done'
  const bundle = box.bundle({ process: { terminal: true, args: ['sh', '-c', script] } }).dir
  const images = join(inMemory(box), 'images')
  const id = box.id()
  const first = await openConsole(box, 'first.sock')
  t.equal(box.call(['run', '-d', '--bundle', bundle, '--console-socket', first.socket, id], { wrap: quiet }).status, 0)
  await first.master()
  t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' })
  const second = await openConsole(box, 'second.sock')
  const args = ['restore', '-d', '--bundle', bundle, '--image-path', images, '--console-socket', second.socket, id]
  t.equal(box.call(args, { wrap: quiet }).status, 0)
  await second.master()
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('invalid checkpoint requests are errors', { skip }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const images = join(inMemory(box), 'images')
  t.match(box.call(['checkpoint', '--image-path', images, 'nobody']), { status: 1, stderr: /does not exist/ })
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle, id]).status, 0)
  t.match(box.call(['checkpoint', '--image-path', images, id]), {
    status: 1,
    stderr: /cannot checkpoint a container that is created/,
  })
  t.equal(box.call(['start', id]).status, 0)
  const wrong = (...flags: readonly string[]) => box.call(['checkpoint', '--image-path', images, ...flags, id])
  t.match(wrong('--parent-path', '/first'), { status: 1, stderr: /--parent-path \/first: must be relative/ })
  t.match(wrong('--parent-path', 'none'), { status: 1, stderr: /--parent-path none: no such file or directory/ })
  t.match(wrong('--manage-cgroups-mode', 'some'), { status: 1, stderr: /--manage-cgroups-mode: must be soft/ })
  t.match(wrong('--empty-ns', 'pid'), { status: 1, stderr: /--empty-ns pid: only "network"/ })
  t.match(wrong('--page-server', 'nowhere'), { status: 1, stderr: /--page-server nowhere: expected ADDRESS:PORT/ })
  // Its output goes to a file of the caller, which CRIU cannot save.
  t.match(wrong(), { status: 1, stderr: /criu: dump: Error .*; see .*dump\.log/ })
  t.equal(box.state(id)?.status, 'running', 'it goes on')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('a failed restore leaves nothing', { skip }, (t, box) => {
  const bundle = box.bundle(counting).dir
  const images = join(inMemory(box), 'images')
  const restore = (...more: readonly string[]) => box.call(['restore', '-d', '--bundle', bundle, ...more, box.id()])
  t.match(restore('--image-path', images), { status: 1, stderr: /descriptors\.json: read: ENOENT/ })
  box.call(['spec', '--bundle', box.dir])
  writeFileSync(join(box.dir, 'descriptors.json'), '["/dev/null","/dev/null","/dev/null"]')
  t.match(restore('--image-path', box.dir), { status: 1, stderr: /criu: restore: .*; see .*restore\.log/ })
  writeFileSync(join(box.dir, 'descriptors.json'), '[1]')
  t.match(restore('--image-path', box.dir), { status: 1, stderr: /descriptors\.json: must be a list of strings/ })
})

scenario('checkpoint and restore without criu are errors', {}, (t, box) => {
  const bundle = box.bundle(counting).dir
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle, id]).status, 0)
  t.match(box.call(['checkpoint', '--image-path', join(box.dir, 'images'), id], { env: { PATH: '/nowhere' } }), {
    status: 1,
    stderr: /"criu".*(not found|no such file).*need CRIU/,
  })
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
