/*
 * create: creates the container and leaves its process waiting (runtime.md, "create"); flags as in runc-create(8).
 * bad-input.test.ts tests bad bundles and ids, default-config.test.ts what the process gets.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { processes } from '../../harness/census.ts'
import { openConsole, openPidfd } from '../../harness/console.ts'
import { probing, readReport, runProbe } from '../../harness/probe.ts'
import { compiled, isRunt } from '../../harness/project.ts'
import { runProgram, scenario, until } from '../../harness/scenario.ts'

const terminal = (topics: readonly string[], extra = {}) => probing(topics, { process: { terminal: true, ...extra } })

scenario('create does not run the process before start', {}, async (t, box) => {
  const bundle = box.bundle(probing(['say:hello']))
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(created.status, 0, created.stderr)
  t.equal(created.stdout, '', 'prints nothing')
  t.equal(created.stderr, '', 'nor on stderr')
  const state = box.state(id)
  t.equal(state?.status, 'created')
  t.ok(processes().has(state?.pid ?? 0), 'its process is alive')
  t.equal(created.later().stdout, '', 'the process has not run')
  t.equal(box.call(['start', id]).status, 0)
  await until(() => created.later().stdout.includes('hello'), 'output of the started process')
  t.pass('it writes to the stdio that create had')
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('create takes the bundle from the current directory', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', id], { cwd: bundle.dir }).status, 0)
  t.equal(box.state(id)?.bundle, bundle.dir)
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('create -b takes a relative bundle', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '-b', 'bundle', id], { cwd: box.dir }).status, 0)
  t.equal(box.state(id)?.bundle, bundle.dir, 'state has it absolute')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('create --pid-file', { peers: { crun: 'takes the path relative to the bundle' } }, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  const cwd = join(box.dir, 'elsewhere')
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'pid'), 'what was here before, longer than any pid')
  const result = box.call(['create', '--bundle', bundle.dir, '--pid-file', 'pid', id], { cwd })
  t.equal(result.status, 0, result.stderr)
  t.equal(readFileSync(join(cwd, 'pid'), 'utf8'), String(box.state(id)?.pid), 'the pid of state, no newline')
  t.same(readdirSync(cwd), ['pid'], 'no temporary file beside it; relative to the caller, not to the bundle')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario(
  'create --pid-file replaces the file and does not write through a link',
  {
    peers: { crun: 'writes in place' },
  },
  (t, box) => {
    const bundle = box.bundle()
    const id = box.id()
    const file = join(box.dir, 'pid')
    writeFileSync(file, 'old')
    const reader = openSync(file, 'r')
    t.equal(box.call(['create', '--bundle', bundle.dir, '--pid-file', file, id]).status, 0)
    t.equal(readFileSync(reader, 'utf8'), 'old', 'who has the old file open still reads the old file')
    closeSync(reader)
    t.equal(readFileSync(file, 'utf8'), String(box.state(id)?.pid))
    t.equal(box.call(['delete', id]).status, 0)
  },
)

scenario('create --pid-file that cannot be written fails and leaves nothing', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, '--pid-file', join(box.dir, 'missing/pid'), id])
  t.not(result.status, 0)
  t.match(result.stderr, /missing\/|pid/, 'names the file')
  t.equal(box.state(id), undefined)
})

scenario('create of an id in use', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  const pid = box.state(id)?.pid
  const second = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(second.status, 1)
  t.match(second.stderr, /exist/)
  t.equal(box.state(id)?.pid, pid, 'the first one is untouched')
  t.equal(box.state(id)?.status, 'created')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('create leaves exactly one process, a child of the caller', {}, async (t, box) => {
  const bundle = box.bundle(probing(['exit:7']))
  const id = box.id()
  const reaper = box.begin(['create', '--bundle', bundle.dir, id], { wrap: [compiled('aid'), 'reap'] })
  await until(() => /^main \d+ 0$/m.test(reaper.output().stdout), 'create ended with 0')
  const pid = box.state(id)?.pid ?? 0
  const left = [...processes().keys()].filter((found) => found !== reaper.pid)
  t.same(left, [pid], 'no helper stays behind')
  t.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), new RegExp(`\\) S ${reaper.pid} `), 're-parented to the subreaper')
  t.equal(box.call(['start', id]).status, 0)
  const ended = await reaper.exited
  t.match(ended.stdout, `orphan ${pid} 7`, 'which gets its exit status')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('containers outlive a caller that dies', {}, async (t, box) => {
  // Like containerd's shim: each runtime gets SIGKILL as its parent-death signal, prctl(2).
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const script = '"$@"; kill -KILL $$'
  const shim = ['sh', '-c', script, 'sh', compiled('aid'), 'parent-death']
  const created = box.call(['create', '--bundle', bundle.dir, id], { wrap: shim })
  t.equal(created.status, 137, 'the shim is dead')
  t.equal(box.state(id)?.status, 'created', 'its container is not')
  t.equal(box.call(['start', id], { wrap: shim }).status, 137)
  t.equal(box.state(id)?.status, 'running')
  const pidFile = join(box.dir, 'pid')
  const exec = ['exec', '--detach', '--pid-file', pidFile, id, '/bin/probe', 'wait']
  t.equal(box.call(exec, { wrap: shim }).status, 137)
  t.ok(processes().has(Number(readFileSync(pidFile, 'utf8'))), 'nor is a further process')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('create --console-socket', {}, async (t, box) => {
  const bundle = box.bundle(
    terminal(['terminal', 'stat:/dev/console', 'fds', 'file:/proc/self/mountinfo'], {
      consoleSize: { height: 31, width: 117 },
    }),
  )
  const id = box.id()
  const console = await openConsole(box)
  const created = box.call(['create', '--bundle', bundle.dir, '--console-socket', console.socket, id])
  t.equal(created.status, 0, created.stderr)
  const master = await console.master()
  t.ok(master.name.length > 0, 'one message with the master and its name')
  t.equal(box.call(['start', id]).status, 0)
  await console.running.exited
  const report = readReport({ status: 0, stdout: console.text(), stderr: '', later: console.running.output })
  t.match(report.lines('terminal'), ['0 /dev/pts/0', '1 /dev/pts/0', '2 /dev/pts/0', 'controlling ok', 'size 31 117'])
  t.match(report.text('stat:/dev/console'), /^char 0620 0:5 136:0 /, '/dev/console is the terminal, group tty')
  t.equal(report.lines('fds').length, 3, 'nothing but stdio')
  const mount = report.mounts().find((line) => line.target === '/dev/console')
  t.equal(mount?.type, 'devpts')
  t.equal(created.later().stdout, '', "nothing on create's own stdout")
  t.equal(box.call(['delete', id]).status, 0)
})

scenario(
  'create --console-socket with a path beyond 108 bytes',
  {
    peers: { runc: '1.1 limits it to sun_path', crun: '1.8 limits it to sun_path' },
  },
  async (t, box) => {
    const long = join('d'.repeat(100), 'console.sock')
    mkdirSync(join(box.dir, 'd'.repeat(100)))
    const bundle = box.bundle(terminal(['say:hello']))
    const id = box.id()
    const console = await openConsole(box, long)
    const created = box.call(['create', '--bundle', bundle.dir, '--console-socket', console.socket, id])
    t.equal(created.status, 0, created.stderr)
    await console.master()
    t.equal(box.call(['start', id]).status, 0)
    await until(() => console.text().includes('hello'), 'terminal output')
    await until(() => box.state(id)?.status === 'stopped', 'stopped')
    t.equal(box.call(['delete', id]).status, 0)
  },
)

scenario(
  'create with a terminal needs a console socket, and the reverse',
  {
    peers: { crun: 'takes a socket without a terminal' },
  },
  async (t, box) => {
    const bundle = box.bundle(terminal(['say:hello']))
    const without = box.call(['create', '--bundle', bundle.dir, box.id()])
    t.equal(without.status, 1)
    t.match(without.stderr, /console.socket|tty|terminal/i)
    const plain = box.bundle({}, { name: 'plain' })
    const console = await openConsole(box)
    const other = box.call(['create', '--bundle', plain.dir, '--console-socket', console.socket, box.id()])
    t.equal(other.status, 1)
    t.match(other.stderr, /console.socket|tty|terminal/i)
  },
)

scenario('create fails if nobody listens on the console socket', {}, (t, box) => {
  const bundle = box.bundle(terminal(['say:hello']))
  const result = box.call(['create', '--bundle', bundle.dir, '--console-socket', join(box.dir, 'none.sock'), box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /none\.sock/, 'names the socket')
})

scenario(
  'create --pidfd-socket',
  {
    peers: { runc: 'since 1.2', crun: 'an annotation instead' },
  },
  async (t, box) => {
    const bundle = box.bundle(probing(['exit:0']))
    const id = box.id()
    const receiver = await openPidfd(box)
    const created = box.call(['create', '--bundle', bundle.dir, '--pidfd-socket', receiver.socket, id])
    t.equal(created.status, 0, created.stderr)
    t.equal(await receiver.pid(), box.state(id)?.pid, "the descriptor is of the container's process")
    t.equal(box.call(['start', id]).status, 0)
    await until(receiver.exited, 'the pidfd says that it ended')
    t.equal(box.call(['delete', id]).status, 0)
  },
)

scenario('create --preserve-fds', {}, async (t, box) => {
  const bundle = box.bundle(probing(['fds']))
  const files = ['three', 'four', 'five'].map((name) => {
    const path = join(box.dir, name)
    writeFileSync(path, name)
    return openSync(path, 'r')
  })
  const id = box.id()
  const created = box.call(['create', '--preserve-fds', '2', '--bundle', bundle.dir, id], { fds: files })
  for (const fd of files) closeSync(fd)
  t.equal(created.status, 0, created.stderr)
  t.equal(box.call(['start', id]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  const fds = readReport({ ...created, ...created.later() }).lines('fds')
  t.match(fds, [/^0 /, /^1 /, /^2 /, /^3 .*three$/, /^4 .*four$/], 'the two that were asked for')
  t.equal(fds.length, 5, 'and not the third')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario(
  'create passes on the descriptors of LISTEN_FDS',
  { peers: { crun: 'passes the descriptor without the variable' } },
  async (t, box) => {
    const bundle = box.bundle(probing(['fds', 'env']))
    const path = join(box.dir, 'listener')
    writeFileSync(path, '')
    const fd = openSync(path, 'r')
    const id = box.id()
    const created = box.call(['create', '--bundle', bundle.dir, id], {
      fds: [fd],
      env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'http' },
      // sd_listen_fds(3): the variables name a pid, which only the process itself knows in advance.
      wrap: ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh'],
    })
    closeSync(fd)
    t.equal(created.status, 0, created.stderr)
    t.equal(box.call(['start', id]).status, 0)
    await until(() => box.state(id)?.status === 'stopped', 'stopped')
    const report = readReport({ ...created, ...created.later() })
    t.match(report.text('fds'), /^3 .*listener$/m)
    t.match(report.text('env'), /^LISTEN_FDS=1$/m)
    t.match(report.text('env'), /^LISTEN_PID=1$/m)
    if (isRunt) t.match(report.text('env'), /^LISTEN_FDNAMES=http$/m)
    t.equal(box.call(['delete', id]).status, 0)
  },
)

scenario('create --no-pivot', {}, (t, box) => {
  const bundle = box.bundle(probing(['dir:/', 'write:/new', 'stat:/..']))
  const result = box.call(['run', '--no-pivot', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  const report = readReport(result)
  t.same(report.lines('dir:/'), ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var'], 'the root is the bundle’s')
  t.equal(existsSync(join(bundle.rootfs, 'new')), false)
})

scenario('create makes a session keyring, --no-new-keyring does not', {}, (t, box) => {
  const caller = readReport(runProgram(box.dir, [compiled('probe'), 'keyring'])).text('keyring')
  const own = runProbe(t, box, ['keyring'])
  t.not(own.text('keyring').split(' ')[0], caller.split(' ')[0], 'a new keyring')
  const bundle = box.bundle(probing(['keyring']))
  const shared = box.call(['run', '--no-new-keyring', '--bundle', bundle.dir, box.id()])
  t.equal(readReport(shared).text('keyring').split(' ')[0], caller.split(' ')[0], "the caller's keyring")
})

scenario('changes of config.json after create have no effect', {}, async (t, box) => {
  const bundle = box.bundle(probing(['say:first']))
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  writeFileSync(bundle.config, '{}')
  t.equal(box.call(['start', id]).status, 0)
  await until(() => created.later().stdout.includes('first'), 'the process of the config at create')
  t.pass('started what was created')
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario(
  'a created container only holds the descriptors that start needs',
  { peers: { runc: '1.1 keeps more', crun: 'keeps more' } },
  (t, box) => {
    const id = box.id()
    const bundle = box.bundle()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const fds = `/proc/${box.state(id)?.pid}/fd`
    const others = readdirSync(fds)
      .filter((fd) => Number(fd) > 2)
      .map((fd) => readlinkSync(join(fds, fd)).replace(/^socket:.*/, 'socket'))
    const own = (name: string) => join(box.root, id, name)
    t.same(others.sort(), [own('report.fifo'), own('start.fifo'), 'socket'].sort())
    t.equal(box.call(['delete', '--force', id]).status, 0)
  },
)

scenario('signals terminate a created container', { peers: { crun: 'its init is spared' } }, async (t, box) => {
  for (const signal of ['HUP', 'INT', 'TERM']) {
    const id = box.id()
    const bundle = box.bundle({}, { name: signal })
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    t.equal(box.call(['kill', id, signal]).status, 0)
    await until(() => box.state(id)?.status === 'stopped', `stopped by SIG${signal}`)
    t.equal(box.call(['delete', id]).status, 0)
  }
})

scenario(
  'run --no-pivot does not let the container mount a new procfs',
  { peers: { runc: 'since 1.0', crun: 'does not look' } },
  (t, box) => {
    const mount = ['unshare', '-mrpf', 'sh', '-c', 'mount -t proc none /proc && echo mounted']
    const caps = ['CAP_SETFCAP', 'CAP_SYS_CHROOT']
    const bundle = box.bundle({
      process: { args: mount, capabilities: { bounding: caps, permitted: caps, effective: caps } },
    })
    const result = box.call(['run', '--no-pivot', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, /permi/i)
    t.equal(result.stdout, '')
  },
)
