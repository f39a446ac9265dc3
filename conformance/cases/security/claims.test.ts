/*
 * Claims: a lock that no container can take, and a mark on the cgroup, decide which runtime a cgroup belongs to. If something
 * cannot be removed, the exit status says so.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { mountsWithout } from '../../harness/bundle.ts'
import { cgroups, processes, token } from '../../harness/census.ts'
import { cgroupOf, cgroupRoot } from '../../harness/cgroup.ts'
import { probing } from '../../harness/probe.ts'
import { needsCommand } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

/** Only runt claims cgroups or marks them. */
const peers = { runc: 'claims nothing', crun: 'claims nothing' }
const caps = ['CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_KILL']

/**
 * A container that sees the host's cgroups locks a cgroup, and files in it that only root can open. Calling the result
 * ends it.
 */
async function holdLocks(t: Test, box: Box, cgroup: string): Promise<() => void> {
  const directory = join(cgroupRoot('devices'), cgroup)
  const files = ['', '/devices.allow', '/cgroup.kill']
    .map((name) => directory + name)
    .filter((path) => existsSync(path))
  const bundle = box.bundle(
    {
      process: {
        args: ['/bin/probe', ...files.map((path) => `lock:${path}`), 'say:held', 'wait'],
        capabilities: { bounding: caps, effective: caps, permitted: caps },
      },
      mounts: [
        ...mountsWithout('/sys/fs/cgroup'),
        { destination: '/sys/fs/cgroup', type: 'bind', source: '/sys/fs/cgroup', options: ['rbind', 'ro'] },
      ],
    },
    { name: 'attacker' },
  )
  const id = box.id()
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  await until(() => result.later().stdout.includes('held'), 'the locks')
  for (const file of files) t.match(result.later().stdout, `== lock:${file}\nok\n`)
  return () => t.equal(box.call(['delete', '--force', id]).status, 0)
}

scenario('a container cannot lock the runtime out of the host’s cgroups', { peers }, async (t, box) => {
  const cgroupsPath = `/${token}victim`
  const bundle = box.bundle(probing(['exit:0'], { linux: { cgroupsPath } }))
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  const release = await holdLocks(t, box, cgroupsPath)
  t.match(box.call(['delete', id]), { status: 0, stderr: '' })
  t.same(
    cgroups().filter((path) => path.endsWith(cgroupsPath)),
    [],
    'the cgroups are gone',
  )
  release()
})

scenario('a container cannot lock the runtime out of existing cgroups', { peers }, async (t, box) => {
  const cgroupsPath = `/${token}victim`
  const directories = [...new Set(['devices', 'pids'].map((name) => join(cgroupRoot(name), cgroupsPath)))]
  for (const directory of directories) mkdirSync(directory)
  const release = await holdLocks(t, box, cgroupsPath)
  const bundle = box.bundle(probing(['exit:5'], { linux: { cgroupsPath } }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 5, result.stderr)
  for (const directory of directories) if (existsSync(directory)) rmdirSync(directory)
  release()
})

/** Whether a process holds a claim. */
function isClaimed(): boolean {
  const inode = existsSync('/run/runt.lock') ? statSync('/run/runt.lock').ino : -1
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => line.includes('OFDLCK') && line.includes(`:${inode} `))
}

scenario(
  'delete does not kill a create that enters the same cgroup',
  { peers, skip: needsCommand('strace') },
  async (t, box) => {
    const linux = { cgroupsPath: `/${token}shared` }
    const [first, second] = [box.id(), box.id()]
    const old = box.bundle(probing(['exit:0'], { linux }), { name: 'old' })
    t.equal(box.call(['run', '-d', '--bundle', old.dir, first]).status, 0)
    await until(() => box.state(first)?.status === 'stopped', 'stopped')
    // Between the claim and the clone.
    const strace = ['strace', '-qq', '-o', '/dev/null', '-e', 'trace=socketpair']
    const fresh = box.bundle(probing(['wait'], { linux }), { name: 'fresh' })
    const wrap = [...strace, '-e', 'inject=socketpair:delay_enter=3s']
    const create = box.begin(['create', '--bundle', fresh.dir, second], { stdin: '', wrap })
    await until(isClaimed, 'the claim')
    const deleted = box.call(['delete', first])
    const created = await create.exited
    t.equal(created.status, 0, `the new container is not touched: ${created.stderr}`)
    const pid = box.state(second)?.pid
    t.match(deleted, { status: 1, stderr: new RegExp(`cgroup .*shared: .*${pid}`) }, deleted.stderr)
    t.equal(box.call(['start', second]).status, 0, 'it is alive')
    t.equal(box.call(['delete', '--force', second]).status, 0)
    t.match(box.call(['delete', first]), { status: 0, stderr: '' })
  },
)

for (const lost of ['what is in its state directory', 'its state directory'] as const) {
  scenario(`delete --force of a container that has lost ${lost}`, { peers }, (t, box) => {
    const id = box.id()
    t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
    const directory = join(box.root, id)
    rmSync(directory, { recursive: true })
    if (lost.startsWith('what')) mkdirSync(directory, { mode: 0o711 })
    t.equal(box.call(['delete', id]).status, 1, 'without --force it is unknown')
    t.equal(processes().size, 1, 'and lives')
    t.match(box.call(['delete', '--force', id]), { status: 0, stderr: /poststop/ })
    t.equal(processes().size, 0)
    t.same(cgroups(), [])
    t.same(readdirSync(box.root), [])
  })
}

scenario('delete --force does not touch a container of the same id in another state root', { peers }, (t, box) => {
  const other = join(box.dir, 'other')
  mkdirSync(other, { mode: 0o700 })
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
  t.match(box.call(['delete', '--force', id], { root: other }), { status: 0, stderr: '' }, 'no directory')
  mkdirSync(join(other, id), { mode: 0o711 })
  t.match(box.call(['delete', '--force', id], { root: other }), { status: 0, stderr: '' }, 'an empty directory')
  t.equal(existsSync(join(other, id)), false)
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('delete does not kill a foreign process in the cgroup', {}, async (t, box) => {
  const id = box.id()
  t.equal(box.call(['run', '-d', '--bundle', box.bundle(probing(['wait'])).dir, id]).status, 0)
  const stranger = box.helper(['sleep', '300'])
  const cgroup = cgroupOf(box.state(id)?.pid, 'devices')
  writeFileSync(join(cgroup, 'cgroup.procs'), String(stranger.pid))
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  const refused = box.call(['delete', id])
  t.match(refused, { status: 1, stderr: new RegExp(`${cgroup}: rmdir: EBUSY .*${stranger.pid} \\(sleep\\)`) })
  t.equal(existsSync(`/proc/${stranger.pid}`), true, 'it lives')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.equal((await stranger.exited).status, 128 + 9, 'with --force it does not')
})
