/*
 * What a user is told about cgroups and limits.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from '../../harness/bundle.ts'
import { cgroupRoot } from '../../harness/cgroup.ts'
import { create, failures, run } from '../../harness/failures.ts'
import { callAs, needsUser, rootlessBundle } from '../../harness/ordinary-user.ts'
import { either, hasV1, needsController, needsRoot, needsV1 } from '../../harness/requires.ts'
import type { Box, Result } from '../../harness/scenario.ts'

const resources = (patch: Patch): Patch => ({
  linux: { resources: { devices: [{ allow: false, access: 'rwm' }], ...patch } },
})

/** The hierarchies in which the runtime looks for processes of others: of v1, or of v2. */
const hierarchy = hasV1('devices') ? 'devices' : ''
const freezer = hasV1('freezer') ? 'freezer' : ''

/** `create` in a cgroup that has a process already. */
function createInUse(box: Box): Result {
  const id = box.id()
  const directory = join(cgroupRoot(hierarchy), id)
  mkdirSync(directory)
  const helper = box.helper(['sleep', '1000'])
  writeFileSync(join(directory, 'cgroup.procs'), `${helper.pid}`)
  const result = create(box, { linux: { cgroupsPath: `/${id}` } })
  writeFileSync(join(cgroupRoot(hierarchy), 'cgroup.procs'), `${helper.pid}`)
  rmdirSync(directory)
  return result
}

function createFrozen(box: Box): Result {
  const id = box.id()
  const directory = join(cgroupRoot(freezer), id)
  mkdirSync(directory)
  box.defer(() => rmdirSync(directory))
  if (freezer === '') writeFileSync(join(directory, 'cgroup.freeze'), '1')
  else writeFileSync(join(directory, 'freezer.state'), 'FROZEN')
  return create(box, { linux: { cgroupsPath: `/${id}` } })
}

function updateBelowUse(box: Box): Result {
  const memory = { limit: 64 << 20, checkBeforeUpdate: true }
  const bundle = box.bundle({ process: { args: ['sleep', '1000'] }, ...resources({ memory }) })
  const id = box.id()
  box.call(['run', '--detach', '--bundle', bundle.dir, id])
  const result = box.call(['update', '--memory', '4k', id])
  box.call(['delete', '--force', id])
  return result
}

const realtime = either(
  needsV1('cpu'),
  existsSync(join(cgroupRoot('cpu'), 'cpu.rt_runtime_us')) ? false : 'no real-time groups',
)
const online = readFileSync('/sys/devices/system/cpu/online', 'utf8').trim()
const hog = ['sh', '-c', 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done']
const systemd = existsSync('/run/systemd/system')

failures([
  {
    name: 'mem_small',
    skip: needsController('memory'),
    fail: (box) => create(box, resources({ memory: { limit: 4096 } })),
    property: 'linux.resources.memory.limit',
    call: /killed by signal 9|EBUSY|E[A-Z]+/,
    cause: /OOM-killed|linux\.resources\.memory\.limit is 4 KiB/,
    wayOut: /memory limit too low|too low for init: raise it/,
  },
  {
    name: 'cpu_quota',
    skip: needsController('cpu'),
    fail: (box) => create(box, resources({ cpu: { quota: 100 } })),
    property: 'linux.resources.cpu.quota',
    call: /write "100.*": EINVAL|write "100.* EINVAL/,
    cause: 'the kernel takes no quota below 1000 microseconds',
    wayOut: 'ask for more, or lower the period',
  },
  {
    name: 'cpuset',
    skip: needsController('cpuset'),
    fail: (box) => create(box, resources({ cpu: { cpus: '0-99' } })),
    property: 'linux.resources.cpu.cpus',
    call: /write "0-99" .*: E(RANGE|INVAL|ACCES)/,
    cause: /must be CPUs (that this machine has|of the cgroup above)/,
    wayOut: online,
  },
  {
    name: 'cpu_rt',
    skip: realtime,
    fail: (box) => create(box, resources({ cpu: { realtimePeriod: 1_000_000, realtimeRuntime: 990_000 } })),
    property: 'linux.resources.cpu.realtimeRuntime',
    call: /write "990000" .*: EINVAL/,
    cause: 'the cgroups above must have a real-time budget to take it from',
    wayOut: /cpu\.rt_runtime_us there is \d+/,
  },
  {
    name: 'cg_rootless',
    skip: either(needsUser(), needsRoot(), needsController('pids')),
    fail: (box) => {
      const limits = { devices: [], pids: { limit: 10 } }
      const dir = rootlessBundle(box, { linux: { cgroupsPath: `/${box.id()}`, resources: limits } })
      return callAs(box, ['create', '--bundle', dir, box.id()])
    },
    property: 'linux.cgroupsPath',
    call: /mkdirat \/sys\/.*: EACCES/,
    cause: 'must be delegated to this user, uid 1000',
    wayOut: 'by systemd (Delegate=yes), or with chown',
  },
  {
    name: 'cg_dirty',
    fail: createInUse,
    property: 'linux.cgroupsPath',
    call: "container's cgroup is not empty",
    cause: '1 process(es) found in /',
    wayOut: 'end them, or choose another path',
  },
  {
    name: 'cg_frozen',
    fail: createFrozen,
    property: 'linux.cgroupsPath',
    call: "container's cgroup unexpectedly frozen",
    cause: /frozen: \/sys\/fs\/cgroup\//,
    wayOut: 'thaw it, or choose another path',
  },
  {
    name: 'systemd',
    skip: systemd ? 'systemd is there' : false,
    fail: (box) => {
      const bundle = box.bundle({ linux: { cgroupsPath: 'system.slice:runt:x' } })
      return box.call(['--systemd-cgroup', 'create', '--bundle', bundle.dir, box.id()])
    },
    property: '--systemd-cgroup',
    call: 'connect to /run/systemd/private: ENOENT',
    cause: 'systemd does not run on this host',
    wayOut: 'leave out --systemd-cgroup',
  },
  {
    name: 'upd_mem',
    skip: needsV1('memory'),
    fail: updateBelowUse,
    property: 'linux.resources.memory.limit',
    call: /write "4096" .*: EBUSY/,
    cause: /\d+ bytes are in use/,
    wayOut: 'cannot be reclaimed',
  },
  {
    name: 'run_oom',
    skip: needsController('memory'),
    status: 137,
    fail: (box) => run(box, { process: { args: hog }, ...resources({ memory: { limit: 8 << 20, swap: 8 << 20 } }) }),
    property: 'linux.resources.memory.limit',
    call: 'out of memory',
    cause: '(1 OOM kill)',
    wayOut: 'is 8 MiB',
  },
])
