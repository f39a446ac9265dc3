/*
 * Features of pure cgroup v2 (config-linux.md, Control groups, Unified; the kernel's cgroup-v2.rst): keys by name, values
 * converted from v1's, processes that start in their cgroup, cgroup.kill and cgroup.freeze over nested cgroups. limits.test.ts tests
 * limits by effect, for every kind of hierarchy.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { cgroupMounts } from '../../harness/census.ts'
import { either, needsCommand, needsController, needsV2 } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const skip = needsV2()
/** The controllers that limits need, unless the kernel uses them for v1 or not at all. */
const controlled = either(skip, ...['memory', 'pids', 'cpu', 'cpuset'].map(needsController))
const tree = cgroupMounts().find(({ controllers }) => controllers === '')?.dir ?? ''
const sleepers = 'sleep 1000 & sleep 1000 & wait'

/** A detached container at /ID, and its directory. */
function detached(box: Box, linux: Patch = {}, args = ['sh', '-c', sleepers]): { id: string; dir: string } {
  const id = box.id()
  const root = { path: 'rootfs', readonly: false }
  const bundle = box.bundle({ root, process: { args }, linux: { cgroupsPath: `/${id}`, ...linux } }, { name: id })
  const result = box.call(['run', '-d', '--bundle', bundle.dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  return { id, dir: join(tree, id) }
}

const read = (dir: string, file: string): string => readFileSync(join(dir, file), 'utf8').trim()
const processesOf = (dir: string): readonly string[] => read(dir, 'cgroup.procs').split('\n')

scenario('v1 limits are converted to v2 files', { skip: controlled }, (t, box) => {
  const resources = {
    cpu: { shares: 2048, quota: 50_000, period: 100_000, cpus: '0', mems: '0' },
    memory: { limit: 64 << 20, swap: 96 << 20, reservation: 16 << 20 },
    pids: { limit: 40 },
  }
  const { id, dir } = detached(box, { resources })
  t.equal(read(dir, 'cpu.max'), '50000 100000')
  // The scale of runc 1.4 and crun 1.23: 1024 shares are the default weight, 100.
  t.equal(read(dir, 'cpu.weight'), '174')
  t.equal(read(dir, 'cpuset.cpus.effective'), '0')
  t.equal(read(dir, 'memory.max'), `${64 << 20}`)
  t.equal(read(dir, 'memory.low'), `${16 << 20}`)
  t.equal(read(dir, 'memory.swap.max'), `${32 << 20}`, 'swap is counted apart')
  t.equal(read(dir, 'pids.max'), '40')
  t.equal(box.call(['update', '--cpu-quota', '20000', '--cpu-period', '200000', '--memory', '48M', id]).status, 0)
  t.equal(read(dir, 'cpu.max'), '20000 200000')
  t.equal(read(dir, 'memory.max'), `${48 << 20}`)
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.notOk(existsSync(dir))
})

scenario('update converts flags to v2 files', { skip: controlled }, (t, box) => {
  const { id, dir } = detached(box, { resources: { memory: { limit: 128 << 20, swap: 256 << 20 } } })
  for (const [flag, value, file, expected] of [
    ['--memory', '64M', 'memory.max', `${64 << 20}`],
    ['--memory-reservation', '32m', 'memory.low', `${32 << 20}`],
    ['--memory-swap', '96M', 'memory.swap.max', `${32 << 20}`],
    ['--pids-limit', '7', 'pids.max', '7'],
    ['--cpu-share', '512', 'cpu.weight', '59'],
    ['--cpu-quota', '20000', 'cpu.max', '20000 100000'],
    ['--cpu-period', '50000', 'cpu.max', '20000 50000'],
    ['--cpu-burst', '10000', 'cpu.max.burst', '10000'],
    ['--cpu-idle', '1', 'cpu.idle', '1'],
    ['--cpuset-cpus', '0', 'cpuset.cpus', '0'],
    ['--cpuset-mems', '0', 'cpuset.mems', '0'],
  ] as const) {
    t.match(box.call(['update', flag, value, id]), { status: 0, stdout: '', stderr: '' }, `${flag} ${value}`)
    t.equal(read(dir, file), expected)
  }
  t.equal(read(dir, 'memory.max'), `${64 << 20}`, 'what is not named stays')
  for (const [memory, swap] of [
    ['16M', '24M'],
    ['80M', '-1'],
    ['20M', '20M'],
  ] as const) {
    t.match(box.call(['update', '--memory', memory, '--memory-swap', swap, id]), { status: 0, stderr: '' })
    t.equal(read(dir, 'memory.max'), `${Number.parseInt(memory, 10) << 20}`)
  }
  t.equal(read(dir, 'memory.swap.max'), '0')
  t.match(box.call(['update', '--cpu-rt-runtime', '1000', id]), { status: 1, stderr: /no real-time group scheduling/ })
  t.match(box.call(['update', '--kernel-memory', '1M', id]), { status: 0 }, 'ignored, as by runc')
  const failing = box.call(['update', '--pids-limit', '3', '--cpuset-cpus', '4711', id])
  t.match(failing, { status: 1, stderr: /linux\.resources\.cpu\.cpus: .*4711/ })
  t.equal(read(dir, 'pids.max'), '7', 'what had been written is put back')
  const check = '{"memory":{"limit":4096,"swap":4096,"checkBeforeUpdate":true}}'
  t.match(box.call(['update', '-r', '-', id], { stdin: check }), { status: 1, stderr: /rejecting memory limit 4096/ })
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('update of device rules replaces the program', { skip }, (t, box) => {
  const { id } = detached(box)
  const readable = (): boolean =>
    box.call(['exec', id, 'sh', '-c', ': </tmp/fuse']).stderr.includes('not permitted') === false
  const caps = ['CAP_MKNOD']
  const node = {
    args: ['mknod', '/tmp/fuse', 'c', '10', '229'],
    cwd: '/',
    capabilities: { bounding: caps, effective: caps, permitted: caps },
  }
  const process = join(box.dir, 'process.json')
  writeFileSync(process, JSON.stringify(node))
  t.match(box.call(['exec', '--process', process, id]), { status: 0, stderr: '' })
  t.equal(readable(), false)
  const rules = (access: string): string =>
    JSON.stringify({
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: 229, access },
      ],
    })
  for (const [access, expected] of [
    ['rw', true],
    ['w', false],
    ['rwm', true],
  ] as const) {
    t.match(box.call(['update', '-r', '-', id], { stdin: rules(access) }), { status: 0, stderr: '' })
    t.equal(readable(), expected, access)
  }
  const others = needsController('pids') === false ? ['--pids-limit', '9'] : ['-r', '-']
  t.equal(box.call(['update', ...others, id], { stdin: '{}' }).status, 0)
  t.equal(readable(), true, 'an update without rules leaves them')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('unified keys are written last, and checked by name', { skip: controlled }, (t, box) => {
  const unified = { 'pids.max': '7', 'memory.high': '33554432', 'cgroup.max.depth': '3' }
  const { id, dir } = detached(box, { resources: { pids: { limit: 40 }, unified } })
  t.equal(read(dir, 'pids.max'), '7')
  t.equal(read(dir, 'memory.high'), '33554432')
  t.equal(read(dir, 'cgroup.max.depth'), '3')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  for (const [key, why] of [
    ['../x.max', /not the name of a cgroup file/],
    ['nodot', /not the name of a cgroup file/],
    ['warp.max', /"warp" not available/],
    ['memory.nosuch', /memory\.nosuch/],
  ] as const) {
    const bad = box.id()
    const bundle = box.bundle(
      { linux: { cgroupsPath: `/${bad}`, resources: { unified: { [key]: '1' } } } },
      { name: bad },
    )
    const result = box.call(['run', '--bundle', bundle.dir, bad])
    t.equal(result.status, 1, key)
    t.match(result.stderr, /linux\.resources\.unified/)
    t.match(result.stderr, why)
    t.notOk(existsSync(join(tree, bad)), 'no cgroup remains')
  }
})

scenario(
  'a process is born in its cgroup',
  { skip: either(skip, needsCommand('strace')), peers: { runc: '1.1 moves it' } },
  (t, box) => {
    const trace = join(box.dir, 'trace')
    const id = box.id()
    const bundle = box.bundle({ process: { args: ['cat', '/proc/self/cgroup'] }, linux: { cgroupsPath: `/${id}` } })
    const wrap = ['strace', '-f', '-o', trace, '-e', 'trace=clone,clone3,fork,vfork,openat,openat2']
    const result = box.call(['run', '--bundle', bundle.dir, id], { wrap })
    t.match(result, { status: 0, stdout: new RegExp(`^0::/${id}$`, 'm') })
    const calls = readFileSync(trace, 'utf8')
    t.match(calls, /clone3\(\{flags=[^}]*CLONE_INTO_CGROUP/)
    t.notMatch(calls, /cgroup\.procs.*O_(WRONLY|RDWR)/, 'nobody is moved')
  },
)

scenario('delete --force kills what has moved to nested cgroups', { skip }, async (t, box) => {
  const { id, dir } = detached(box)
  await until(() => processesOf(dir).length === 3, 'three processes')
  mkdirSync(join(dir, 'inner/most'), { recursive: true })
  const moved = processesOf(dir)[2] ?? ''
  writeFileSync(join(dir, 'inner/most/cgroup.procs'), moved)
  t.equal(JSON.parse(box.call(['ps', '-f', 'json', id]).stdout).length, 3, 'ps shows them')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.notOk(existsSync(dir), 'no cgroup remains')
})

scenario('delete --force of a container without a pid namespace, a part of it frozen', { skip }, async (t, box) => {
  const { id, dir } = detached(box, { namespaces: [{ type: 'mount' }, { type: 'uts' }] })
  await until(() => processesOf(dir).length === 3, 'three processes')
  const [first = '', second = ''] = processesOf(dir)
  mkdirSync(join(dir, 'inner'))
  writeFileSync(join(dir, 'inner/cgroup.procs'), second)
  writeFileSync(join(dir, 'inner/cgroup.freeze'), '1')
  process.kill(Number(first), 'SIGKILL')
  await until(() => box.state(id)?.status === 'stopped', 'the end of the first process')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.notOk(existsSync(dir), 'no cgroup remains')
})

scenario('pause reaches nested cgroups', { skip }, async (t, box) => {
  const { id, dir } = detached(box)
  await until(() => processesOf(dir).length === 3, 'three processes')
  mkdirSync(join(dir, 'inner'))
  writeFileSync(join(dir, 'inner/cgroup.procs'), processesOf(dir)[1] ?? '')
  t.equal(box.call(['pause', id]).status, 0)
  t.match(read(dir, 'inner/cgroup.events'), /frozen 1/)
  t.equal(box.state(id)?.status, 'paused')
  t.equal(box.call(['resume', id]).status, 0)
  t.match(read(dir, 'inner/cgroup.events'), /frozen 0/)
  t.equal(box.call(['pause', id]).status, 0)
  t.equal(box.call(['delete', '--force', id]).status, 0, 'a paused one can be removed')
  t.notOk(existsSync(dir))
})

const elder = { crun: 'does not look', runc: '1.1 only warns' }

scenario('create refuses a cgroup that has processes or is frozen', { skip, peers: elder }, (t, box) => {
  const id = box.id()
  const dir = join(tree, id)
  mkdirSync(dir)
  const stranger = box.helper(['sleep', '1000'])
  const home = /^0::(.*)$/m.exec(readFileSync(`/proc/${stranger.pid}/cgroup`, 'utf8'))?.[1] ?? ''
  writeFileSync(join(dir, 'cgroup.procs'), `${stranger.pid}`)
  const bundle = box.bundle({ linux: { cgroupsPath: `/${id}` } })
  t.match(box.call(['create', '--bundle', bundle.dir, id]), { status: 1, stderr: /container's cgroup is not empty/ })
  t.equal(read(dir, 'cgroup.procs'), `${stranger.pid}`, 'who is there lives on, where it was')
  writeFileSync(join(tree, home, 'cgroup.procs'), `${stranger.pid}`)
  writeFileSync(join(dir, 'cgroup.freeze'), '1')
  t.match(box.call(['create', '--bundle', bundle.dir, id]), { status: 1, stderr: /cgroup unexpectedly frozen/ })
  rmdirSync(dir)
})

scenario('with a cgroup namespace the container is at the root of what it sees', { skip }, (t, box) => {
  const id = box.id()
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type }))
  const command = 'cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.max.depth; echo 1 >/sys/fs/cgroup/cgroup.max.depth'
  const linux = { cgroupsPath: `/${id}/deep`, namespaces, resources: { unified: { 'cgroup.max.depth': '33' } } }
  const bundle = box.bundle({ process: { args: ['sh', '-c', command] }, linux })
  const result = box.call(['run', '--bundle', bundle.dir, id])
  t.match(result.stdout, /^0::\/\n33\n$/m)
  t.match(result.stderr, /Read-only file system/)
  t.same(
    readdirSync(join(tree, id), { withFileTypes: true }).filter((entry) => entry.isDirectory()),
    [],
  )
  // The parent was created for it and may be shared: as with runc, the caller removes it.
  rmdirSync(join(tree, id))
})
