/*
 * runtime.md, "State", "Lifecycle" and "Operations": MUSTs of create, start, kill, delete and state that no other file tests. ../commands/
 * tests single commands, hooks.test.ts hooks.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const sleeping: Patch = { process: { args: ['sleep', '100'] } }
const refused = (box: Box, args: readonly string[]): boolean => box.call(args).status !== 0

scenario('every operation MUST generate an error without an id, and for one that does not exist', {}, (t, box) => {
  const { dir } = box.bundle(sleeping)
  for (const args of [['state'], ['create', '--bundle', dir], ['start'], ['kill'], ['delete']]) {
    t.ok(refused(box, args), `${args[0]} without an id`)
  }
  for (const args of [
    ['state', box.id()],
    ['start', box.id()],
    ['kill', box.id(), 'KILL'],
    ['delete', box.id()],
  ]) {
    t.ok(refused(box, args), `${args[0]} of nothing`)
  }
})

scenario('an operation in the wrong state MUST be an error without effect', {}, async (t, box) => {
  const id = box.id()
  const { dir } = box.bundle(sleeping)
  t.equal(box.call(['create', '--bundle', dir, id]).status, 0)
  const before = box.state(id)
  t.ok(refused(box, ['create', '--bundle', dir, id]), 'an id that is not unique')
  t.same(box.state(id), before)
  t.equal(box.call(['start', id]).status, 0)
  const running = box.state(id)
  for (const args of [
    ['start', id],
    ['delete', id],
    ['create', '--bundle', dir, id],
  ]) {
    t.ok(refused(box, args), `${args[0]} while it runs`)
    t.same(box.state(id), running)
  }
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'the end')
  const stopped = box.state(id)
  for (const args of [
    ['start', id],
    ['kill', id, 'TERM'],
  ]) {
    t.ok(refused(box, args), `${args[0]} when it has stopped`)
    t.same(box.state(id), stopped)
  }
  t.equal(box.call(['delete', id]).status, 0)
  t.equal(box.state(id), undefined)
  t.equal(box.call(['create', '--bundle', dir, id]).status, 0, 'its id MAY be used again')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('updates of config.json after create MUST NOT affect the container', {}, async (t, box) => {
  const poststop = { path: '/bin/sh', args: ['sh', '-c', `echo stopped >>${join(box.dir, 'log')}`] }
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'echo first; sleep 100'], env: ['A=first', 'PATH=/bin'] },
    annotations: { key: 'first' },
    hooks: { poststop: [poststop] },
  })
  const id = box.id()
  const created = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(created.status, 0, created.stderr)
  writeFileSync(bundle.config, '{ "no": "config any more"')
  t.equal(box.call(['start', id]).status, 0)
  await until(() => created.later().stdout === 'first\n', 'the process')
  rmSync(bundle.config)
  t.equal(box.call(['exec', id, 'sh', '-c', 'echo $A']).stdout, 'first\n', 'nor what exec takes from it')
  t.same(box.state(id)?.annotations, { key: 'first' })
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.equal(readFileSync(join(box.dir, 'log'), 'utf8'), 'stopped\n')
})

scenario(
  'a container can be created without process; start MUST generate an error',
  { peers: { runc: 'refuses create', crun: 'refuses create' } },
  (t, box) => {
    const bundle = box.bundle({ process: undefined, root: { path: 'rootfs', readonly: false } })
    const id = box.id()
    const created = box.call(['create', '--bundle', bundle.dir, id])
    t.equal(created.status, 0, created.stderr)
    t.match(box.state(id), { status: 'created', bundle: bundle.dir })
    for (let tries = 0; tries < 2; tries++) {
      const started = box.call(['start', id])
      t.not(started.status, 0)
      t.match(started.stderr, /process: was not set/)
      t.equal(box.state(id)?.status, 'created')
    }
    t.ok(existsSync(`/proc/${box.state(id)?.pid}/root/proc/1`), 'all of the configured environment is there')
    t.equal(box.call(['delete', id]).status, 0)
    t.ok(refused(box, ['run', '--bundle', bundle.dir, box.id()]), 'nothing to run')
  },
)

scenario('a property that cannot be applied MUST be an error, and no new container', {}, (t, box) => {
  for (const patch of [
    { mounts: [{ destination: '/x', type: 'no-such-fs', source: 'none' }] },
    { root: { path: 'no-such-root' } },
    { linux: { namespaces: [{ type: 'mount' }, { type: 'ipc', path: '/proc/self/ns/net' }] } },
    { process: { cwd: '/etc/passwd' } },
    { process: { rlimits: [{ type: 'RLIMIT_NO_SUCH', soft: 1, hard: 1 }] } },
  ]) {
    const id = box.id()
    const bundle = box.bundle(patch, { name: `bundle-${id}` })
    t.ok(refused(box, ['create', '--bundle', bundle.dir, id]), JSON.stringify(patch))
    t.equal(box.state(id), undefined)
  }
})

scenario('kill MUST send the specified signal to the container process', {}, async (t, box) => {
  const id = box.id()
  const { dir } = box.bundle({ process: { args: ['/bin/probe', 'wait'] } })
  const result = box.call(['run', '--detach', '--bundle', dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => result.later().stdout.includes('ready'), 'the handlers')
  for (const [name, number] of [
    ['USR1', 10],
    ['12', 12],
    ['SIGHUP', 1],
    ['TERM', 15],
  ] as const) {
    t.equal(box.call(['kill', id, name]).status, 0)
    await until(() => result.later().stdout.includes(`signal ${String(number).padStart(2, '0')}`), name)
  }
  await until(() => box.state(id)?.status === 'stopped', 'the end')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('unknown properties and annotations MUST be ignored, in the config and in its parts', {}, (t, box) => {
  const bundle = box.bundle({
    unknown: { property: 1 },
    process: { args: ['echo', 'ran'], unknown: true },
    annotations: { 'org.example.unknown': '', 'no-domain': 'x' },
    linux: { unknown: [] },
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'ran\n')
})

scenario('invalid values MUST be an error: an ociVersion that is none, an empty annotation key', {}, (t, box) => {
  for (const patch of [{ ociVersion: 'invalid' }, { ociVersion: '2.0.0' }, { annotations: { '': 'x' } }]) {
    const bundle = box.bundle(patch, { name: box.id() })
    t.ok(refused(box, ['run', '--bundle', bundle.dir, box.id()]), JSON.stringify(patch))
  }
})

scenario('the bundle (bundle.md): config.json MUST be in its root, and have this name', {}, (t, box) => {
  const bundle = box.bundle()
  const below = box.bundle({}, { name: 'bundle/below' })
  t.ok(refused(box, ['run', '--bundle', join(bundle.dir, 'rootfs'), box.id()]))
  t.ok(refused(box, ['run', '--bundle', bundle.config, box.id()]), 'the bundle is a directory')
  t.equal(box.call(['run', '--bundle', below.dir, box.id()]).status, 0)
  // The root file system need not be in the bundle.
  const elsewhere = box.bundle({ root: { path: bundle.rootfs } }, { name: 'elsewhere', rootfs: 'none' })
  t.equal(box.call(['run', '--bundle', elsewhere.dir, box.id()]).status, 0)
})
