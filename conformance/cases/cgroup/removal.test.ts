/*
 * Cgroups in use: those that a container has created in its own are removed with it, and those with other processes are
 * left alone (config-linux.md, Cgroups Path; the messages are runc's).
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupMounts } from '../../harness/census.ts'
import { needsV1 } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const skip = needsV1('devices')
const mountOf = (controller: string): string =>
  cgroupMounts().find(({ controllers }) => controllers.split(',').includes(controller))?.dir ?? ''

/** A detached container at /ID in each hierarchy, and its directory in one. */
function detached(box: Box, controller: string, patch: object = {}): { readonly id: string; readonly dir: string } {
  const id = box.id()
  const linux = { cgroupsPath: `/${id}` }
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'] },
    linux,
    ...patch,
  } as never)
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  return { id, dir: join(mountOf(controller), id) }
}

const processesOf = (dir: string): readonly string[] =>
  readFileSync(join(dir, 'cgroup.procs'), 'utf8').trim().split('\n')

scenario('kill --all and delete --force reach nested cgroups', { skip }, async (t, box) => {
  const { id, dir } = detached(box, 'devices', {})
  await until(() => processesOf(dir).length === 3, 'three processes')
  mkdirSync(join(dir, 'inner/most'), { recursive: true })
  writeFileSync(join(dir, 'inner/most/cgroup.procs'), processesOf(dir)[2] ?? '')
  t.equal(JSON.parse(box.call(['ps', '-f', 'json', id]).stdout).length, 3, 'ps shows them')
  t.equal(box.call(['kill', '--all', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  t.equal(box.call(['delete', id]).status, 0)
  t.notOk(readdirSync(join(dir, '..')).includes(id), 'nested cgroups are removed')
})

const frozen = { crun: 'waits for ever', runc: 'leaves the frozen processes' }

scenario('delete --force kills frozen processes in nested cgroups', { skip, peers: frozen }, async (t, box) => {
  const namespaces = [{ type: 'mount' }, { type: 'uts' }]
  const { id, dir } = detached(box, 'freezer', { linux: { namespaces, cgroupsPath: undefined } })
  const own = readFileSync(`/proc/${box.state(id)?.pid}/cgroup`, 'utf8')
  const path = /^\d+:freezer:(.*)$/m.exec(own)?.[1] ?? ''
  const freezer = join(mountOf('freezer'), path)
  t.not(path, '', dir)
  await until(() => processesOf(freezer).length === 3, 'three processes')
  mkdirSync(join(freezer, 'inner'))
  const [first, ...others] = processesOf(freezer)
  writeFileSync(join(freezer, 'inner/cgroup.procs'), others[0] ?? '')
  writeFileSync(join(freezer, 'inner/freezer.state'), 'FROZEN')
  process.kill(Number(first), 'SIGKILL')
  await until(() => box.state(id)?.status === 'stopped', 'the end of the first process')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.throws(() => processesOf(freezer), 'nothing is left')
})

scenario('delete --force succeeds if init waits for frozen processes', { skip, peers: frozen }, async (t, box) => {
  // The first process of a pid namespace waits for the others to end, and on v1 a frozen process cannot die.
  const { id, dir } = detached(box, 'freezer')
  await until(() => processesOf(dir).length === 3, 'three processes')
  mkdirSync(join(dir, 'inner'))
  writeFileSync(join(dir, 'inner/cgroup.procs'), processesOf(dir)[2] ?? '')
  writeFileSync(join(dir, 'inner/freezer.state'), 'FROZEN')
  t.match(box.call(['delete', '--force', id]), { status: 0, stderr: '' })
  t.throws(() => processesOf(dir), 'nothing is left')
})

const elder = { crun: 'does not look', runc: '1.1 only warns' }

scenario('create refuses a cgroup that has processes', { skip, peers: elder }, (t, box) => {
  const name = box.id()
  for (const controller of ['devices', 'name=systemd']) {
    const dir = join(mountOf(controller), name)
    mkdirSync(dir)
    const stranger = box.helper(['sleep', '1000'])
    writeFileSync(join(dir, 'cgroup.procs'), String(stranger.pid))
    const id = box.id()
    const bundle = box.bundle({ linux: { cgroupsPath: `/${name}` } }, { name: id })
    t.match(box.call(['create', '--bundle', bundle.dir, id]), { status: 1, stderr: /container's cgroup is not empty/ })
    t.equal(processesOf(dir).join(), String(stranger.pid), 'who is there lives on, where it was')
    t.equal(box.state(id), undefined)
    writeFileSync(join(mountOf(controller), 'cgroup.procs'), String(stranger.pid))
    rmdirSync(dir)
  }
})

scenario('create refuses a frozen cgroup', { skip, peers: elder }, (t, box) => {
  const id = box.id()
  const dirs = ['devices', 'freezer'].map((controller) => join(mountOf(controller), id))
  for (const dir of dirs) mkdirSync(dir)
  writeFileSync(join(dirs[1] as string, 'freezer.state'), 'FROZEN')
  const bundle = box.bundle({ linux: { cgroupsPath: `/${id}` } })
  t.match(box.call(['create', '--bundle', bundle.dir, id]), { status: 1, stderr: /cgroup unexpectedly frozen/ })
  // It may be the only cgroup that was created.
  rmdirSync(dirs[0] as string)
  t.match(box.call(['run', '--bundle', bundle.dir, id]), { status: 1, stderr: /cgroup unexpectedly frozen/ })
  writeFileSync(join(dirs[1] as string, 'freezer.state'), 'THAWED')
  t.equal(box.call(['run', '--bundle', bundle.dir, id]).status, 0, 'an empty one that runs is taken')
})
