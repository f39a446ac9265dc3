/*
 * The addon's functions, called from Node. addon/test tests launching; conformance/cases/commands tests foreground
 * supervision and the sockets through the commands that use them.
 */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { hostname, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { native } from './entry/node.ts'
import type { NativeError } from './native.ts'

function scratch(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'runt-native-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function thrown(action: () => unknown): Partial<NativeError> {
  try {
    action()
  } catch (error) {
    return error as NativeError
  }
  return {}
}

/** A waiting process, identified by pid and start time. */
function sleeper(t: Test): { readonly pid: number; readonly startTime: string } {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  return { pid, startTime: native.processStatus(pid)?.startTime ?? '' }
}

t.test('errors carry errno, system call and path', async (t) => {
  const error = thrown(() => native.readFile('/no/such/file'))
  t.match(error, { code: 'ENOENT', errno: 2, syscall: 'read', path: '/no/such/file' })
  t.ok((error as unknown) instanceof Error)
  t.match(
    thrown(() => native.mkdir('/proc/runt', 0o700)),
    { syscall: 'mkdir' },
  )
})

t.test('readFile', async (t) => {
  const dir = scratch(t)
  const path = join(dir, 'file')
  const text = 'ä\u{1F600}'.repeat(20_000)
  writeFileSync(path, text)
  t.equal(native.readFile(path) === text, true, 'more than one buffer of UTF-8')
  writeFileSync(path, '')
  t.equal(native.readFile(path), '')
  t.match(native.readFile('/proc/self/stat'), /^\d+ \(/, 'files without a size')
  writeFileSync(path, 'x'.repeat(11))
  t.equal(native.readFile(path, 11).length, 11)
  t.equal(thrown(() => native.readFile(path, 10)).code, 'EFBIG')
  t.equal(thrown(() => native.readFile(dir)).code, 'EISDIR')
})

t.test('writeFile follows no link', async (t) => {
  const dir = scratch(t)
  native.writeFile(join(dir, 'a'), 'first, and longer', 0o640)
  native.writeFile(join(dir, 'a'), 'second', 0o600)
  t.equal(readFileSync(join(dir, 'a'), 'utf8'), 'second')
  t.equal(statSync(join(dir, 'a')).mode & 0o777, 0o640 & ~process.umask(), 'the mode is the first writer’s')
  symlinkSync(join(dir, 'a'), join(dir, 'link'))
  t.equal(thrown(() => native.writeFile(join(dir, 'link'), 'third', 0o600)).code, 'ELOOP')
  t.equal(readFileSync(join(dir, 'a'), 'utf8'), 'second')
})

t.test('writeFileAtomic replaces the file', async (t) => {
  const dir = scratch(t)
  const path = join(dir, 'a')
  writeFileSync(path, 'old')
  const old = openSync(path, 'r')
  // A stale file of a process with our pid must not cause a failure.
  writeFileSync(join(dir, `.a.${process.pid}`), 'stale')
  native.writeFileAtomic(path, 'new', 0o600)
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(readFileSync(old, 'utf8'), 'old', 'who has it open reads on')
  t.same(readdirSync(dir), ['a'], 'no temporary file')
  t.equal(thrown(() => native.writeFileAtomic(join(dir, 'no/b'), '', 0o600)).code, 'ENOENT')
  mkdirSync(join(dir, 'directory'))
  t.equal(thrown(() => native.writeFileAtomic(join(dir, 'directory'), '', 0o600)).code, 'EISDIR')
  t.same(readdirSync(dir), ['a', 'directory'], 'nor after a failure')
})

t.test('appendFile, and full disks', async (t) => {
  const path = join(scratch(t), 'log')
  native.appendFile(path, 'one\n', 0o644)
  native.appendFile(path, 'two\n', 0o644)
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  t.equal(thrown(() => native.appendFile('/dev/full', 'x', 0o644)).code, 'ENOSPC')
})

t.test('directories', async (t) => {
  const dir = scratch(t)
  const deep = join(dir, 'a/b//c')
  t.equal(native.mkdirAll(deep, 0o755), true)
  t.equal(native.mkdirAll(`${deep}/`, 0o755), false)
  writeFileSync(join(deep, 'x'), '')
  writeFileSync(join(deep, 'y'), '')
  t.same([...native.readDirectory(deep)].sort(), ['x', 'y'])
  t.same(native.readDirectory(join(dir, 'a')), ['b'])
  t.equal(thrown(() => native.rmdir(deep)).code, 'ENOTEMPTY')
  native.removeDirectory(deep, 'x')
  t.equal(existsSync(deep), false)
  native.removeDirectory(deep, 'x')
  t.pass('what is gone is no error')
  t.equal(thrown(() => native.mkdir(join(dir, 'a'), 0o755)).code, 'EEXIST')
  t.equal(thrown(() => native.mkdirAll(`/proc/x/${'y/'.repeat(3)}`, 0o755)).code, 'ENOENT')
  native.mkdirAll(join(dir, 'a/b/c'), 0o755)
  t.equal(thrown(() => native.removeDirectory(dir, '')).code, 'EISDIR', 'directories in directories are not removed')
  writeFileSync(join(dir, 'a/x'), '')
  writeFileSync(join(dir, 'a/b/y'), '')
  rmdirSync(join(dir, 'a/b/c'))
  native.removeDirectory(join(dir, 'a'), 'x')
  t.equal(existsSync(join(dir, 'a')), false, 'one level is')
})

t.test('status and exists', async (t) => {
  const dir = scratch(t)
  writeFileSync(join(dir, 'file'), 'four')
  symlinkSync('nowhere', join(dir, 'link'))
  t.match(native.status(join(dir, 'file')), { kind: 'file', size: 4, uid: process.getuid?.() })
  t.match(native.status(dir), { kind: 'directory', mode: 0o700 })
  t.match(native.status(join(dir, 'link')), { kind: 'symlink' })
  t.match(native.status('/dev/null'), { kind: 'char', mode: 0o666 })
  t.equal(native.status(join(dir, 'none')), undefined)
  t.equal(native.status(join(dir, 'file/below')), undefined)
  t.equal(native.exists(dir), true)
  t.equal(native.exists(join(dir, 'none')), false)
})

t.test('realpath', async (t) => {
  const dir = native.realpath(scratch(t))
  mkdirSync(join(dir, 'real'))
  symlinkSync('real', join(dir, 'link'))
  t.equal(native.realpath(join(dir, 'link/../link/.')), join(dir, 'real'))
  t.equal(thrown(() => native.realpath(join(dir, 'none'))).code, 'ENOENT')
})

t.test('links', async (t) => {
  const dir = scratch(t)
  native.symlink('/somewhere/else', join(dir, 'link'))
  t.equal(native.readLink(join(dir, 'link')), '/somewhere/else')
  t.equal(native.readLink(dir), undefined)
  t.equal(native.readLink(join(dir, 'none')), undefined)
  t.equal(thrown(() => native.symlink('x', join(dir, 'link'))).code, 'EEXIST')
})

t.test('lock', async (t) => {
  const dir = scratch(t)
  const held = native.lock(dir)
  t.equal(thrown(() => native.lock(dir)).code, 'EAGAIN')
  native.close(held)
  native.close(native.lock(dir))
  t.equal(thrown(() => native.close(held)).code, 'EBADF')
})

t.test('lockByte', async (t) => {
  const file = join(scratch(t), 'lock')
  const far = 2 ** 52
  const held = native.lockByte(file, far)
  t.equal(native.status(file)?.mode, 0o1600)
  t.equal(thrown(() => native.lockByte(file, far)).code, 'EAGAIN')
  native.close(native.lockByte(file, far + 1))
  native.close(held)
  native.close(native.lockByte(file, far))
  native.symlink(file, `${file}-link`)
  t.equal(thrown(() => native.lockByte(`${file}-link`, 0)).code, 'ELOOP')
})

t.test('attribute', async (t) => {
  const dir = scratch(t)
  t.equal(native.attribute(dir, 'user.runt.test'), undefined)
  t.equal(native.attribute(join(dir, 'none'), 'user.runt.test'), undefined)
  native.setAttribute(dir, 'user.runt.test', 'välue')
  t.equal(native.attribute(dir, 'user.runt.test'), 'välue')
  t.match(
    thrown(() => native.setAttribute(join(dir, 'none'), 'user.runt.test', 'x')),
    { code: 'ENOENT', syscall: 'setxattr' },
  )
})

t.test('surroundings', async (t) => {
  process.env.RUNT_TEST = 'ä b'
  t.equal(native.env('RUNT_TEST'), 'ä b')
  t.equal(native.env('RUNT_NO_SUCH'), undefined)
  t.equal(native.pid(), process.pid)
  t.equal(native.cwd(), process.cwd())
  t.match(native.now(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
  t.ok(Math.abs(Date.parse(native.now()) - Date.now()) < 10_000)
})

t.test('probe', async (t) => {
  const probe = native.probe()
  t.equal(probe.kernel, release())
  t.not(probe.kernel, hostname())
  t.equal(probe.euid, process.geteuid?.())
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  t.equal(probe.boundingSet, BigInt(`0x${bounding}`))
  t.equal(probe.ownCgroups, readFileSync('/proc/self/cgroup', 'utf8'))
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  t.same(
    probe.cgroupMounts,
    lines.filter((line) => / - cgroup2? /.test(line)),
  )
})

t.test('processStatus', async (t) => {
  const { pid, startTime } = sleeper(t)
  const status = native.processStatus(pid)
  t.match(status, { parent: process.pid, state: /[RSD]/ })
  t.equal(startTime, readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21])
  t.equal(native.processStatus(2 ** 22 + 1), undefined)
  const dir = scratch(t)
  // A name with a parenthesis and a blank, which a naive parser mistakes for the end of the field.
  const odd = join(dir, 'a) R 1 (b')
  writeFileSync(odd, '#!/bin/sh\nread line\n', { mode: 0o755 })
  const child = spawn(odd, { stdio: ['pipe', 'ignore', 'ignore'] })
  t.teardown(() => child.kill('SIGKILL'))
  for (let i = 0; i < 500 && native.processStatus(child.pid ?? 0)?.comm === 'node'; i++) native.sleep(2)
  t.match(native.processStatus(child.pid ?? 0), { comm: 'a) R 1 (b', parent: process.pid })
})

t.test('signal and waitForExit go by pid and start time', async (t) => {
  const { pid, startTime } = sleeper(t)
  t.equal(native.signal(pid, '1', 9), false, 'another process')
  t.equal(native.waitForExit(pid, '1', 0), true, 'which has ended')
  t.equal(native.signal(pid, startTime, 0), true)
  t.equal(native.waitForExit(pid, startTime, 0), false)
  t.equal(native.signal(pid, startTime, 9), true)
  t.equal(native.waitForExit(pid, startTime, 10_000), true)
  t.equal(native.signal(2 ** 22 + 1, '1', 9), false)
  t.equal(thrown(() => native.signal(pid, startTime, 1000)).code, 'EINVAL')
})

const hierarchy = native.probe().cgroupMounts.find((line) => / - cgroup2 | - cgroup .*pids/.test(line))
const noCgroups =
  process.getuid?.() !== 0 ? 'needs root' : hierarchy === undefined ? 'no cgroup hierarchy to use' : false

t.test('cgroups', { skip: noCgroups }, async (t) => {
  const parent = join(hierarchy?.split(' ')[4] ?? '', `runt-native-${process.pid}`)
  const child = join(parent, 'below')
  t.teardown(() => {
    for (const dir of [child, parent]) if (existsSync(dir)) rmdirSync(dir)
  })
  mkdirSync(child, { recursive: true })
  t.equal(native.signalCgroup(parent, 0), 0, 'nobody there')
  const sleepers = [sleeper(t), sleeper(t), sleeper(t)]
  for (const [index, { pid }] of sleepers.entries()) {
    writeFileSync(join(index === 0 ? parent : child, 'cgroup.procs'), String(pid))
  }
  t.equal(native.signalCgroup(parent, 0), 3, 'the cgroup and those below')
  t.equal(native.signalCgroup(child, 0), 2)
  t.equal(native.removeCgroup(parent, 20), false, 'nobody is killed for it')
  t.equal(native.signalCgroup(parent, 0), 3)
  t.equal(native.destroyCgroup(parent, 10_000), true)
  t.equal(existsSync(parent), false)
  for (const { pid, startTime } of sleepers) t.equal(native.waitForExit(pid, startTime, 0), true)
  t.equal(native.destroyCgroup(parent, 0), true, 'what is gone is no error')
  t.equal(native.signalCgroup(parent, 9), 0)
  mkdirSync(child, { recursive: true })
  t.equal(native.removeCgroup(parent, 0), true, 'with the cgroups in it')
  t.equal(existsSync(parent), false)
})

t.test('a cgroup of many processes: every one gets the signal, once', { skip: noCgroups }, async (t) => {
  const cgroup = join(hierarchy?.split(' ')[4] ?? '', `runt-native-many-${process.pid}`)
  mkdirSync(cgroup)
  // More than fit into one batch. Each reports that it runs, and writes a line for each signal.
  const script = `trap 'echo hit' USR1; echo up; while :; do read line; done`
  const shells = Array.from({ length: 70 }, () => spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] }))
  const outputs = shells.map(() => '')
  for (const [index, shell] of shells.entries()) {
    writeFileSync(join(cgroup, 'cgroup.procs'), String(shell.pid))
    shell.stdout.on('data', (data) => (outputs[index] += data))
  }
  const all = async (text: string): Promise<void> => {
    while (!outputs.every((output) => output === text)) await new Promise((done) => setTimeout(done, 5))
  }
  await all('up\n')
  t.equal(native.signalCgroup(cgroup, 10), 70)
  await all('up\nhit\n')
  t.equal(native.destroyCgroup(cgroup, 10_000), true)
})

t.test('running a program of the host', (t) => {
  t.same(native.runProgram(['printf', 'a%sb', 'ü']), { status: 0, output: 'aüb' })
  t.same(native.runProgram(['sh', '-c', 'cat; exit 3']), { status: 3, output: '' }, 'no input')
  t.same(native.runProgram(['sh', '-c', 'kill -9 $$']), { status: 137, output: '' })
  t.equal(native.runProgram(['head', '-c', '100000', '/dev/zero']).output.length, 100_000)
  t.match(
    thrown(() => native.runProgram(['no-such-program'])),
    { code: 'ENOENT', path: 'no-such-program' },
  )
  t.end()
})

t.test('waiting for a change, the end of a process, or time', (t) => {
  const file = join(scratch(t), 'file')
  writeFileSync(file, '')
  const sleeper = spawn('sleep', ['100'])
  const pid = sleeper.pid as number
  const startTime = native.processStatus(pid)?.startTime ?? ''
  const watch = native.watchEvents(file, undefined)
  const before = native.uptime()
  t.equal(native.waitForEvent(watch, pid, startTime, 20), 'timeout')
  t.ok(native.uptime() >= before + 20)
  writeFileSync(file, 'x')
  t.equal(native.waitForEvent(watch, pid, startTime, -1), 'event')
  t.equal(native.waitForEvent(watch, pid, startTime, 0), 'timeout', 'once')
  writeFileSync(file, 'y')
  sleeper.kill('SIGKILL')
  native.waitForExit(pid, startTime, -1)
  t.equal(native.waitForEvent(watch, pid, startTime, -1), 'event', 'what happened before the end is told first')
  t.equal(native.waitForEvent(watch, pid, startTime, -1), 'ended')
  t.equal(native.waitForEvent(-1, pid, startTime, -1), 'ended')
  native.close(watch)
  t.match(
    thrown(() => native.watchEvents(join(file, 'none'), undefined)),
    { code: 'ENOTDIR' },
  )
  t.end()
})

t.test('a stream with a deadline: no accept, no answer, a closed connection', async (t) => {
  const path = join(scratch(t), 'socket')
  const server = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('a'),
  )
  await new Promise<void>((done) => server.listen({ path, backlog: 1 }, done))
  // The server only runs while this function waits: until then connections stay in its queue.
  const sockets: number[] = []
  const full = thrown(() => {
    while (sockets.length < 8) sockets.push(native.connectSocket(path, 10))
  })
  t.match(full, { code: 'ETIMEDOUT', syscall: 'connect', path })
  const [socket = -1] = sockets
  t.match(
    thrown(() => native.exchangeWithin(socket, new Uint8Array(), 10)),
    { code: 'ETIMEDOUT', syscall: 'recv' },
  )
  const more = new Uint8Array(1 << 22)
  t.match(
    thrown(() => native.exchangeWithin(socket, more, 10)),
    { code: 'ETIMEDOUT', syscall: 'send' },
    'nobody reads',
  )
  await new Promise<void>((done) => server.once('connection', () => setImmediate(done)))
  t.same([...native.exchangeWithin(socket, new Uint8Array(), 10_000)], [97], 'what was said before the end')
  t.match(
    thrown(() => native.exchangeWithin(socket, new Uint8Array(), 10_000)),
    { code: 'ECONNRESET' },
  )
  t.match(
    thrown(() => native.connectSocket(join(path, 'x'), 10)),
    { code: 'ENOTDIR' },
  )
  for (const fd of sockets) native.close(fd)
  await new Promise((done) => server.close(done))
})
