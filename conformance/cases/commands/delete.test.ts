/*
 * delete: removes what create made (runtime.md, "delete"): state, cgroups, and with --force the processes as well. The
 * framework's leak check finds what is left behind; these tests check conditions and messages.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroups, processes } from '../../harness/census.ts'
import { setFrozen } from '../../harness/cgroup.ts'
import { probing } from '../../harness/probe.ts'
import { runtime } from '../../harness/project.ts'
import { needsController } from '../../harness/requires.ts'
import { pause, scenario, until } from '../../harness/scenario.ts'

scenario('delete of a stopped container', {}, async (t, box) => {
  const bundle = box.bundle(probing(['exit:0']))
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.ok(cgroups().length > 0, 'its cgroups are there until then')
  t.match(box.call(['delete', id]), { status: 0, stdout: '', stderr: '' })
  t.equal(existsSync(join(box.root, id)), false)
  t.same(cgroups(), [])
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0, 'the id is free again')
  t.equal(box.call(['delete', id]).status, 0)
})

scenario('delete of a created container', {}, (t, box) => {
  const bundle = box.bundle()
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id]).status, 0)
  t.equal(box.call(['delete', id]).status, 0, 'needs no force')
  t.equal(processes().size, 0, 'its process is gone when delete returns')
})

scenario('delete of a running container', { peers: { crun: 'other words' } }, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  const refused = box.call(['delete', id])
  t.equal(refused.status, 1)
  t.match(refused.stderr, /running|not stopped/)
  t.equal(box.state(id)?.status, 'running', 'changes nothing')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.equal(processes().size, 0)
  t.equal(box.state(id), undefined)
})

scenario('delete -f of a container that ignores TERM, with children', {}, async (t, box) => {
  const script = 'trap "" TERM INT HUP; sleep 1000 & (sleep 1000 & sleep 1000) & echo up; wait'
  for (const [name, patch] of [
    ['own', {}],
    ['shared', { linux: { namespaces: [{ type: 'mount' }] } }],
  ] as const) {
    const bundle = box.bundle({ ...patch, hostname: undefined, process: { args: ['sh', '-c', script] } }, { name })
    const id = box.id()
    const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
    t.equal(result.status, 0, result.stderr)
    await until(() => result.later().stdout.includes('up'), 'up')
    t.equal(box.call(['delete', '-f', id]).status, 0)
    t.equal(processes().size, 0, `${name} pid namespace: all processes are gone`)
  }
})

scenario('delete kills processes that outlived init', {}, async (t, box) => {
  const bundle = box.bundle({
    hostname: undefined,
    linux: { namespaces: [{ type: 'mount' }] },
    process: { args: ['sh', '-c', 'sleep 1000 & echo up'] },
  })
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.equal(processes().size, 1, 'one is left')
  t.equal(box.call(['delete', id]).status, 0)
  t.equal(processes().size, 0)
})

scenario('delete of an unknown id', { peers: { crun: 'other words' } }, (t, box) => {
  const result = box.call(['delete', box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /does not exist/)
  t.equal(box.call(['delete', '--force', box.id()]).status, 0, 'with --force there is nothing to do')
  t.equal(box.call(['delete']).status, 1)
})

scenario('delete --force of a frozen container', { skip: needsController('freezer') }, async (t, box) => {
  const bundle = box.bundle(probing(['wait']))
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  // Not in the middle of execve: it would wait for ever for a frozen thread.
  await until(() => result.later().stdout.includes('ready'), 'ready')
  await setFrozen(box.state(id)?.pid, 'FROZEN')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario(
  'delete --force of a container with a small CPU quota',
  { skip: needsController('cpu'), peers: { runc: 'gives up after 10 s', crun: 'leaves the cgroups' } },
  async (t, box) => {
    const script = 'i=0; while [ $i -lt 60 ]; do while :; do :; done & i=$((i + 1)); done; echo all; wait'
    const id = box.id()
    const begun = box.begin(['run', '--bundle', box.bundle({ process: { args: ['sh', '-c', script] } }).dir, id])
    await until(() => begun.output().stdout.includes('all'), 'all of them')
    // A thousandth of a CPU: 60 processes need more than that to die within 10 s.
    t.equal(box.call(['update', '--cpu-period', '1000000', '--cpu-quota', '1000', id]).status, 0)
    await pause(1500)
    t.match(box.call(['delete', '--force', id]), { status: 0, stdout: '', stderr: '' })
    t.same(cgroups(), [])
    await begun.exited
  },
)

scenario(
  'delete removes cgroups that the container made below its own',
  { skip: needsController('pids') },
  async (t, box) => {
    const bundle = box.bundle(probing(['wait']))
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
    for (const path of cgroups().filter((dir) => dir.endsWith(id)))
      mkdirSync(join(path, 'below/further'), { recursive: true })
    t.equal(box.call(['delete', '--force', id]).status, 0)
    t.same(cgroups(), [])
  },
)

scenario(
  'delete rejects a path as id',
  {
    // Not run as a control: crun 1.8 removes the parent directory.
    skip: runtime.name === 'crun' ? 'crun 1.8 deletes what the path names' : false,
  },
  (t, box) => {
    const foreign = join(box.root, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'precious'), '')
    box.defer(() => rmSync(foreign, { recursive: true, force: true }))
    for (const name of ['..', '.', '../state', 'foreign/../foreign', '/', foreign]) {
      t.not(box.call(['delete', name]).status, 0, `delete ${name}`)
      box.call(['delete', '--force', name])
      t.equal(existsSync(join(foreign, 'precious')), true, `delete --force ${name}`)
    }
  },
)
