/*
 * Hooks of all six kinds (config.md, "POSIX-platform Hooks"): when and where they run, what they get, and the effect of a failing
 * one. The words "error running NAME hook #N" are runc's, which engines show.
 */
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { processes } from '../../harness/census.ts'
import { probing } from '../../harness/probe.ts'
import { isRunt } from '../../harness/project.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Kind = (typeof kinds)[number]

interface Hooks {
  readonly patch: Patch
  /** The lines that the hooks wrote, in order. */
  readonly log: () => readonly string[]
  readonly file: (name: string) => string
}

/** A shell command as a hook; $LOG is a directory visible inside and outside of the container. */
const shell = (box: Box, kind: Kind, script: string, extra: { readonly [key: string]: Json } = {}): Json => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  env: ['PATH=/bin:/usr/bin', `LOG=${kind === 'startContainer' ? '/shared' : join(box.dir, 'shared')}`],
  ...extra,
})

/** A config with these hooks, whose process adds its own line to the log. */
function withHooks(box: Box, hooks: Partial<Record<Kind, readonly Json[]>>, patch: Patch = {}): Hooks {
  const shared = join(box.dir, 'shared')
  if (!existsSync(shared)) mkdirSync(shared)
  const bind = { destination: '/shared', type: 'bind', source: shared, options: ['rbind', 'rw'] }
  return {
    patch: {
      process: { args: ['sh', '-c', 'echo process >>/shared/log'] },
      ...patch,
      mounts: mountsWith(bind),
      hooks,
    },
    log: () => (existsSync(join(shared, 'log')) ? readFileSync(join(shared, 'log'), 'utf8').trim().split('\n') : []),
    file: (name) => readFileSync(join(shared, name), 'utf8'),
  }
}

scenario(
  'hooks run at their point of the lifecycle, in order',
  {
    peers: { runc: '1.1 runs poststart in create', crun: 'runs poststart in another order' },
  },
  async (t, box) => {
    const hooks = withHooks(
      box,
      Object.fromEntries(
        kinds.map((kind) => [kind, [1, 2].map((n) => shell(box, kind, `echo ${kind} ${n} >>$LOG/log`))]),
      ),
    )
    const bundle = box.bundle(hooks.patch)
    const id = box.id()
    const created = box.call(['create', '--bundle', bundle.dir, id])
    t.equal(created.status, 0, created.stderr)
    const create = ['prestart', 'createRuntime', 'createContainer'].flatMap((kind) => [`${kind} 1`, `${kind} 2`])
    t.same(hooks.log(), create, 'create runs three kinds')
    t.equal(box.call(['start', id]).status, 0)
    await until(() => box.state(id)?.status === 'stopped', 'stopped')
    const started = hooks.log().slice(create.length)
    t.same(
      started.filter((line) => line !== 'process'),
      ['startContainer 1', 'startContainer 2', 'poststart 1', 'poststart 2'],
      'start runs two',
    )
    t.ok(started.indexOf('process') > started.indexOf('startContainer 2'), 'the process comes after startContainer')
    t.equal(box.call(['delete', id]).status, 0)
    t.same(hooks.log().slice(create.length + started.length), ['poststop 1', 'poststop 2'], 'delete runs poststop')
  },
)

scenario('hooks of a foreground run', {}, (t, box) => {
  const hooks = withHooks(
    box,
    Object.fromEntries(kinds.map((kind) => [kind, [shell(box, kind, `echo ${kind} >>$LOG/log`)]])),
  )
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.same(hooks.log().slice(0, 3), ['prestart', 'createRuntime', 'createContainer'])
  t.same([...hooks.log()].sort(), [...kinds, 'process'].sort(), 'each once')
  t.equal(hooks.log().at(-1), 'poststop')
})

scenario(
  'hooks get the state on stdin',
  { peers: { runc: '1.1: created at poststart', crun: 'another state in containers' } },
  async (t, box) => {
    const hooks = withHooks(
      box,
      Object.fromEntries(kinds.map((kind) => [kind, [shell(box, kind, `cat >$LOG/${kind}`)]])),
      { annotations: { 'org.example.note': 'kept "as is"\n' }, process: { args: ['sleep', '100'] } },
    )
    const bundle = box.bundle(hooks.patch)
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const pid = box.state(id)?.pid
    t.equal(box.call(['start', id]).status, 0)
    t.equal(box.call(['delete', '--force', id]).status, 0)
    const statuses: Readonly<Record<Kind, RegExp>> = {
      prestart: /^creat(ing|ed)$/,
      createRuntime: /^creat(ing|ed)$/,
      createContainer: /^creat(ing|ed)$/,
      startContainer: /^created$/,
      poststart: /^running$/,
      poststop: /^stopped$/,
    }
    for (const kind of kinds) {
      const state = JSON.parse(hooks.file(kind))
      t.match(
        state,
        {
          ociVersion: /^1\./,
          id,
          status: statuses[kind],
          bundle: bundle.dir,
          annotations: { 'org.example.note': 'kept "as is"\n' },
        },
        kind,
      )
      // "the pid as seen by" the namespace that the hook runs in; the specification does not mention stopped
      // containers.
      const container = kind === 'createContainer' || kind === 'startContainer'
      if (kind !== 'poststop') t.equal(state.pid, container ? 1 : pid, `${kind}: pid`)
    }
  },
)

scenario('hooks run in the namespaces that the spec gives them', {}, (t, box) => {
  const script = 'for n in mnt uts net pid; do readlink /proc/self/ns/$n; done >$LOG/ns-KIND'
  const hooks = withHooks(
    box,
    Object.fromEntries(kinds.map((kind) => [kind, [shell(box, kind, script.replace('KIND', kind))]])),
    { process: { args: ['sh', '-c', script.replace('$LOG', '/shared').replace('KIND', 'process')] } },
  )
  const bundle = box.bundle(hooks.patch)
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0)
  const host = ['mnt', 'uts', 'net', 'pid'].map((name) => readlinkSync(`/proc/self/ns/${name}`))
  const inside = hooks.file('ns-process').trim().split('\n')
  const of = (kind: Kind) => hooks.file(`ns-${kind}`).trim().split('\n')
  for (const kind of ['prestart', 'createRuntime', 'poststart', 'poststop'] as const) {
    t.same(of(kind), host, `${kind}: the runtime's`)
  }
  t.same(of('createContainer').slice(0, 3), inside.slice(0, 3), "createContainer: the container's")
  t.same(of('startContainer'), inside, "startContainer: the container's")
})

scenario('hooks see the mounts in place, before pivot_root or after', {}, (t, box) => {
  const hooks = withHooks(box, {
    createContainer: [shell(box, 'createContainer', 'cut -d" " -f5 /proc/self/mountinfo >$LOG/mounts')],
    startContainer: [shell(box, 'startContainer', 'ls / >$LOG/root')],
  })
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.ok(
    hooks.file('mounts').split('\n').includes(join(bundle.rootfs, 'dev/shm')),
    'createContainer finds the container’s mounts below the host’s path',
  )
  t.match(hooks.file('root').split('\n'), ['bin'], 'startContainer is in the container’s root')
  t.equal(hooks.file('root').includes('shared'), true)
})

scenario('hooks get their own arguments, and their environment only', {}, (t, box) => {
  const hooks = withHooks(box, {
    createRuntime: [
      shell(box, 'createRuntime', 'echo "$0 $1 $2" >$LOG/args; tr "\\0" "\\n" </proc/self/environ >$LOG/env', {
        args: ['name', '-c', 'echo "$0 $1 $2" >$LOG/args; cat /proc/$$/environ >$LOG/env', 'zero', 'one', 'two words'],
      }),
    ],
  })
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { env: { LD_SOMETHING: '1' } })
  t.equal(result.status, 0, result.stderr)
  t.equal(hooks.file('args'), 'zero one two words\n')
  t.equal(hooks.file('env'), `PATH=/bin:/usr/bin\0LOG=${join(box.dir, 'shared')}\0`)
})

scenario('hooks without env get what runc and crun give', { peers: { crun: 'no HOME' } }, (t, box) => {
  const copy = (to: string): Json => ({ path: '/bin/cp', args: ['cp', '/proc/self/environ', to] })
  const file = join(box.dir, 'shared/runtime')
  const hooks = withHooks(
    box,
    {
      createRuntime: [{ ...(copy(file) as object), env: [] }],
      startContainer: [copy('/shared/container')],
      poststop: [copy(`${file}-last`)],
    },
    { process: { args: ['true'], env: ['ONE=1', 'PATH=/bin'] } },
  )
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { env: { OF_THE_CALLER: 'yes' } })
  t.equal(result.status, 0, result.stderr)
  const variables = (name: string) => hooks.file(name).split('\0').filter(Boolean)
  for (const name of ['runtime', 'runtime-last']) t.ok(variables(name).includes('OF_THE_CALLER=yes'), name)
  t.same(variables('container').sort(), ['HOME=/root', 'ONE=1', 'PATH=/bin'], 'in the container, that of its process')
})

scenario(
  'hooks run in the bundle, then in the root file system',
  { peers: { crun: 'in the caller’s directory' } },
  (t, box) => {
    const where = (kind: Kind) => shell(box, kind, `pwd -P >$LOG/${kind}`)
    const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const
    const hooks = withHooks(box, Object.fromEntries(kinds.map((kind) => [kind, [where(kind)]])))
    const bundle = box.bundle(hooks.patch)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()], { cwd: '/' })
    t.equal(result.status, 0, result.stderr)
    t.same(
      kinds.map((kind) => hooks.file(kind).trim()),
      [bundle.dir, bundle.dir, bundle.rootfs, '/'],
    )
  },
)

scenario('hooks get no descriptors but stdio', { peers: { runc: '1.1 passes on what it has inherited' } }, (t, box) => {
  const runs = ['createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
  const hooks = withHooks(
    box,
    Object.fromEntries(
      runs.map((kind) => [
        kind,
        [
          shell(
            box,
            kind,
            `for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/self/fd/$n && echo $n; done >$LOG/fd-${kind}; true`,
          ),
        ],
      ]),
    ),
  )
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], { fds: [0, 0, 0] })
  t.equal(result.status, 0, result.stderr)
  // A shell keeps its own descriptors at 10 or above.
  for (const kind of runs) {
    t.same(
      hooks
        .file(`fd-${kind}`)
        .trim()
        .split('\n')
        .map(Number)
        .filter((fd) => fd < 10),
      [0, 1, 2],
      kind,
    )
  }
})

for (const kind of ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const) {
  scenario(`a failing ${kind} hook stops the container`, { peers: { crun: 'other words' } }, (t, box) => {
    const hooks = withHooks(box, {
      [kind]: [
        shell(box, kind, 'echo first >>$LOG/log'),
        shell(box, kind, 'echo to stderr >&2; exit 9'),
        shell(box, kind, 'echo third >>$LOG/log'),
      ],
    })
    const bundle = box.bundle(hooks.patch)
    const id = box.id()
    const result = box.call(['run', '--bundle', bundle.dir, id])
    t.equal(result.status, 1)
    t.match(
      result.stderr,
      isRunt ? new RegExp(`error running ${kind} hook #1`) : /hook #1/,
      'names the hook, counted from 0',
    )
    t.match(result.stderr, /9/, 'its status')
    t.match(result.stderr, /to stderr/, 'and what it said')
    t.same(hooks.log(), ['first'], 'no later hook, no process')
    t.equal(box.state(id), undefined)
  })
}

scenario('a failing hook makes create fail', { peers: { crun: 'exits 255' } }, (t, box) => {
  const hooks = withHooks(box, { createRuntime: [shell(box, 'createRuntime', 'exit 1')] })
  const bundle = box.bundle(hooks.patch)
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 1)
  t.equal(box.state(id), undefined)
})

scenario(
  'a failing poststart hook stops the container',
  {
    peers: { runc: '1.1 runs it in create', crun: '1.8 warns' },
  },
  async (t, box) => {
    const hooks = withHooks(
      box,
      {
        poststart: [shell(box, 'poststart', 'exit 3')],
        poststop: [shell(box, 'poststop', 'echo poststop >>$LOG/log')],
      },
      { process: { args: ['sleep', '100'] } },
    )
    const bundle = box.bundle(hooks.patch)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1, 'runtime.md: an error, and the container is stopped')
    t.match(result.stderr, isRunt ? /error running poststart hook #0/ : /hook #0/)
    t.same(hooks.log(), ['poststop'])
  },
)

const ours = isRunt ? false : 'of the project’s own grammar'

scenario('the error for a hook killed by SIGSYS names seccomp and the hook', { skip: ours }, (t, box) => {
  const killed = 'kill -SYS $$; sleep 5'
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['chroot'], action: 'SCMP_ACT_KILL_PROCESS' }],
  }
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart'] as const) {
    const own = kind === 'startContainer'
    const hooks = withHooks(
      box,
      { [kind]: [shell(box, kind, own ? 'exec chroot / true' : killed)] },
      { linux: { seccomp } },
    )
    const result = box.call(['run', '--bundle', box.bundle(hooks.patch, { name: kind }).dir, box.id()])
    t.equal(result.status, 1, kind)
    t.match(result.stderr, `error running ${kind} hook #0: (/bin/sh): signal 31 (SYS); bad system call: `)
    t.match(
      result.stderr,
      own ? 'the seccomp profile holds for this hook, too' : "a seccomp filter of its own or of the runtime's caller",
      kind,
    )
  }
})

scenario('the error for an init of exec killed by SIGSYS names seccomp', { skip: ours }, (t, box) => {
  const seccomp = (action: string) => ({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['capset'], action }],
  })
  const { dir } = box.bundle({ process: { args: ['sleep', '1000'] }, linux: { seccomp: seccomp('SCMP_ACT_ALLOW') } })
  const id = box.id()
  t.equal(box.call(['run', '--detach', '--bundle', dir, id]).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  // With a profile under which the container itself could not have started.
  const copy = join(box.root, id, 'config.json')
  const config = JSON.parse(readFileSync(copy, 'utf8'))
  const process = { ...config.process, noNewPrivileges: false }
  const linux = { ...config.linux, seccomp: seccomp('SCMP_ACT_KILL_PROCESS') }
  writeFileSync(copy, JSON.stringify({ ...config, process, linux }))
  const result = box.call(['exec', id, 'true'])
  t.match(result, { status: 255, stderr: /linux\.seccomp: init was killed by signal 31 \(SIGSYS\) .*denies capset/ })
})

scenario(
  'a failing poststop hook is a warning',
  { peers: { runc: 'delete fails', crun: 'says nothing' } },
  (t, box) => {
    const hooks = withHooks(box, {
      poststop: [shell(box, 'poststop', 'exit 3'), shell(box, 'poststop', 'echo second >>$LOG/log')],
    })
    const bundle = box.bundle(hooks.patch)
    const id = box.id()
    t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
    const result = box.call(['delete', id])
    t.equal(result.status, 0)
    t.match(result.stderr, /hook/, 'it is said')
    t.same(hooks.log(), ['second'], 'the others run all the same')
  },
)

for (const kind of ['createRuntime', 'createContainer', 'startContainer'] as const) {
  scenario(
    `a ${kind} hook that takes longer than its timeout is killed`,
    { peers: { crun: 'other words' } },
    (t, box) => {
      const hooks = withHooks(box, { [kind]: [shell(box, kind, 'exec sleep 1000', { timeout: 1 })] })
      const bundle = box.bundle(hooks.patch)
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.equal(result.status, 1)
      t.match(result.stderr, /hook/)
      t.match(result.stderr, /time|deadline|killed/i, 'says why')
      t.same(hooks.log(), [])
    },
  )
}

scenario('a hook within its timeout', {}, (t, box) => {
  const hooks = withHooks(box, {
    createRuntime: [shell(box, 'createRuntime', 'echo in time >>$LOG/log', { timeout: 100 })],
  })
  const bundle = box.bundle(hooks.patch)
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0)
  t.same(hooks.log(), ['in time', 'process'])
})

scenario('a hook that does not read a large state', { peers: { crun: 'dies of SIGPIPE' } }, (t, box) => {
  const annotations = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`org.example.n${index}`, 'x'.repeat(10_000)]),
  )
  const runs = ['createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
  const hooks = withHooks(
    box,
    Object.fromEntries(runs.map((kind) => [kind, [{ path: '/bin/true' }, shell(box, kind, 'exec <&-; sleep 0.05')]])),
    { annotations },
  )
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.same(hooks.log(), ['process'])
})

scenario('a hook that reads a large state gets all of it', {}, (t, box) => {
  const hooks = withHooks(
    box,
    { createRuntime: [shell(box, 'createRuntime', 'cat >$LOG/state')] },
    { annotations: { 'org.example.large': 'y'.repeat(300_000) } },
  )
  const bundle = box.bundle(hooks.patch)
  t.equal(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0)
  t.equal(JSON.parse(hooks.file('state')).annotations['org.example.large'].length, 300_000)
})

scenario('a missing hook is an error', { peers: { crun: 'other status' } }, (t, box) => {
  for (const kind of ['createRuntime', 'startContainer'] as const) {
    const bundle = box.bundle({ hooks: { [kind]: [{ path: '/no/such/hook' }] } }, { name: kind })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 1)
    t.match(result.stderr, /no\/such\/hook/)
  }
})

scenario('hooks killed by a signal', { peers: { crun: 'other status' } }, (t, box) => {
  const hooks = withHooks(box, { createRuntime: [shell(box, 'createRuntime', 'kill -SEGV $$')] })
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /signal|SEGV|segmentation|139/i)
})

scenario('the caller of create may watch a hook’s work through the pid of the state', {}, (t, box) => {
  // Like CNI plugins: enters the network namespace of the state's pid from a createRuntime or prestart hook.
  const script = 'pid=$(sed -n "s/.*\\"pid\\": *\\([0-9]*\\).*/\\1/p"); readlink /proc/$pid/ns/net >$LOG/net'
  const hooks = withHooks(box, { prestart: [shell(box, 'prestart', script)] }, probing(['ns'], {}))
  writeFileSync(join(box.dir, 'shared/net'), '')
  const bundle = box.bundle(hooks.patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(hooks.file('net').trim(), /^net (.*)$/m.exec(result.stdout)?.[1], 'the namespace that the process then has')
})

scenario(
  'run.oci.hooks.stdout and run.oci.hooks.stderr: the output of hooks of every kind is appended to files',
  { peers: { runc: 'has no such annotations' } },
  (t, box) => {
    const [output, errors] = [join(box.dir, 'hooks.out'), join(box.dir, 'hooks.err')]
    writeFileSync(output, 'before\n')
    const annotations = { 'run.oci.hooks.stdout': output, 'run.oci.hooks.stderr': errors }
    const script = (kind: Kind): string => `echo ${kind} says; echo ${kind} complains >&2`
    const hooks = withHooks(box, Object.fromEntries(kinds.map((kind) => [kind, [shell(box, kind, script(kind))]])), {
      annotations,
      process: { args: ['sh', '-c', 'ls /proc/self/fd | wc -l'] },
    })
    const bundle = box.bundle(hooks.patch)
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.equal(result.status, 0, result.stderr)
    t.equal(result.stdout, '4\n', "the container's output is its own, and so are its descriptors")
    const said = (path: string): readonly string[] => readFileSync(path, 'utf8').trim().split('\n').sort()
    t.same(said(output), ['before', ...kinds.map((kind) => `${kind} says`)].sort())
    t.same(said(errors), kinds.map((kind) => `${kind} complains`).sort())
  },
)

scenario(
  'run.oci.hooks.stdout that cannot be opened',
  { peers: { runc: 'has no such annotations', crun: 'other words' } },
  (t, box) => {
    const annotations = { 'run.oci.hooks.stdout': join(box.dir, 'none/out') }
    const hooks = withHooks(box, { createRuntime: [shell(box, 'createRuntime', 'true')] }, { annotations })
    const result = box.call(['run', '--bundle', box.bundle(hooks.patch).dir, box.id()])
    t.equal(result.status, 1)
    t.match(result.stderr, /annotations\["run\.oci\.hooks\.stdout"\] \(.*none\/out\): openat2: ENOENT/)
    const none = box.bundle({ annotations, process: { args: ['true'] } }, { name: 'none' })
    t.equal(box.call(['run', '--bundle', none.dir, box.id()]).status, 0, 'without hooks it does not matter')
  },
)

scenario(
  'poststop: a delete that was killed in a hook runs it again',
  { peers: { runc: 'forgets the container first', crun: 'forgets the container first' } },
  async (t, box) => {
    const hooks = withHooks(box, {
      poststop: [shell(box, 'poststop', 'echo poststop >>$LOG/log; [ -e $LOG/go ] || sleep 100')],
    })
    const id = box.id()
    t.equal(box.call(['run', '--keep', '--bundle', box.bundle(hooks.patch).dir, id]).status, 0)
    const interrupted = box.begin(['delete', id])
    await until(() => hooks.log().length === 2, 'the hook runs')
    interrupted.kill('SIGKILL')
    await interrupted.exited
    for (const [pid, line] of processes()) if (line.includes('sleep 100')) process.kill(pid, 'SIGKILL')
    t.equal(box.state(id)?.status, 'stopped', 'the container is still known')
    writeFileSync(join(box.dir, 'shared/go'), '')
    t.equal(box.call(['delete', id]).status, 0)
    t.same(hooks.log(), ['process', 'poststop', 'poststop'])
  },
)
