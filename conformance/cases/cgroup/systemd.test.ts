/*
 * --systemd-cgroup with the machine's own systemd (config-linux.md, Control groups; runc's docs/systemd.md): as root the
 * system's, as an unprivileged user the user's. Limits by effect; the unit's properties; nothing left in systemd or in the
 * hierarchies. systemd-fake.test.ts tests failures of systemd.
 */
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWithout, type Patch, patched } from '../../harness/bundle.ts'
import { cgroupOf } from '../../harness/cgroup.ts'
import { either, needsFile, needsV2 } from '../../harness/requires.ts'
import { type Box, pause, type Result, scenario, until } from '../../harness/scenario.ts'

const isRoot = process.getuid?.() === 0
const session = process.env.XDG_RUNTIME_DIR ?? '/nowhere'
const env: Readonly<Record<string, string>> = isRoot ? {} : { XDG_RUNTIME_DIR: session }
const skip = needsFile(`${isRoot ? '/run' : session}/systemd/private`)
const onlyV2 = skip === false ? needsV2() : skip
const denyAll = { allow: false, access: 'rwm' }

const call = (box: Box, ...args: readonly string[]): Result => box.call(['--systemd-cgroup', ...args], { env })

const systemctl = (...args: readonly string[]): string =>
  execFileSync('systemctl', [...(isRoot ? [] : ['--user']), ...args], { encoding: 'utf8' })

/** The unit's properties, from systemd. */
const show = (unit: string, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    systemctl('show', unit, ...names.map((name) => `--property=${name}`))
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )

const isLoaded = (unit: string): boolean => systemctl('list-units', '--all', '--no-legend', unit).trim() !== ''

/** A bundle of the default config, for a user that of `spec --rootless`, with the patch. */
function bundleOf(box: Box, id: string, patch: Patch): string {
  if (isRoot) return box.bundle(patch, { name: id }).dir
  const { dir, config } = box.bundle({}, { name: id })
  const made = join(dir, 'made')
  mkdirSync(made)
  const spec = box.call(['spec', '--rootless', '--bundle', made])
  if (spec.status !== 0) throw new Error(spec.stderr)
  const base = JSON.parse(readFileSync(join(made, 'config.json'), 'utf8')) as Json
  writeFileSync(config, JSON.stringify(patched(patched(base, { process: { terminal: false } }), patch)))
  return dir
}

const sleeping: Patch = { process: { args: ['sleep', '1000'] } }

/** A container that sleeps, and its unit. */
function detached(box: Box, linux: Patch, patch: Patch = {}): { id: string; unit: string } {
  const id = box.id()
  const dir = bundleOf(box, id, { ...sleeping, ...patch, linux })
  const result = call(box, 'run', '-d', '--bundle', dir, id)
  if (result.status !== 0) throw new Error(result.stderr)
  return { id, unit: `runt-${id}.scope` }
}

scenario('a scope has the limits and ends with the container', { skip, user: 'any' }, async (t, box) => {
  const memory = { limit: 64 << 20, swap: 64 << 20 }
  const resources = { memory, pids: { limit: 30 }, cpu: { quota: 50_001, period: 100_000 } }
  const { id, unit } = detached(box, { resources })
  const slice = isRoot ? 'system.slice' : 'user.slice'
  t.match(show(unit, 'ActiveState', 'Slice', 'Delegate', 'TasksMax', 'CPUQuotaPerSecUSec', 'Transient'), {
    ActiveState: 'active',
    Slice: slice,
    Delegate: 'yes',
    TasksMax: '30',
    CPUQuotaPerSecUSec: '510ms',
    Transient: 'yes',
  })
  const { pid } = box.state(id) ?? {}
  const dir = cgroupOf(pid, 'pids')
  t.ok(dir.endsWith(`/${slice}/${unit}`), dir)
  t.equal(readFileSync(join(dir, 'pids.max'), 'utf8'), '30\n')
  const hog = () => call(box, 'exec', id, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=96M', 'count=1').status
  t.equal(hog(), 137, 'a hog is killed')
  t.equal(call(box, 'update', '--memory', '256M', '--memory-swap', '256M', '--pids-limit', '40', id).status, 0)
  t.equal(hog(), 0, 'and lives with a larger limit')
  t.equal(show(unit, 'TasksMax').TasksMax, '40')
  if (isRoot) systemctl('daemon-reload')
  t.equal(readFileSync(join(dir, 'pids.max'), 'utf8'), '40\n')
  t.equal(call(box, 'exec', id, 'sh', '-c', ': </dev/zero').status, 0, 'devices are there after a reload')
  t.equal(call(box, 'pause', id).status, 0)
  t.equal(box.state(id)?.status, 'paused')
  t.equal(call(box, 'resume', id).status, 0)
  t.equal(JSON.parse(call(box, 'ps', '-f', 'json', id).stdout).length, 1)
  t.match(call(box, 'kill', id, 'KILL'), { status: 0 })
  await until(() => box.state(id)?.status === 'stopped', 'its end')
  t.match(call(box, 'delete', id), { status: 0, stderr: '' })
  t.notOk(isLoaded(unit))
  t.notOk(existsSync(dir))
})

scenario('annotations are properties; the same name can be used again', { skip, user: 'any' }, (t, box) => {
  const annotations = {
    'org.systemd.property.TimeoutStopSec': '7',
    'org.systemd.property.CollectMode': "'inactive-or-failed'",
  }
  const id = box.id()
  const dir = bundleOf(box, id, { ...sleeping, annotations })
  for (const round of [1, 2]) {
    t.match(call(box, 'run', '-d', '--bundle', dir, id), { status: 0 }, `round ${round}`)
    const found = show(`runt-${id}.scope`, 'TimeoutStopUSec', 'CollectMode')
    t.same(found, { TimeoutStopUSec: '7s', CollectMode: 'inactive-or-failed' })
    t.match(call(box, 'delete', '--force', id), { status: 0, stderr: '' })
  }
  const wrong = { 'org.systemd.property.TasksMax': "'many'" }
  const other = box.id()
  const refused = call(box, 'create', '--bundle', bundleOf(box, other, { ...sleeping, annotations: wrong }), other)
  t.equal(refused.status, 1)
  t.match(refused.stderr, /systemd: start runt-.*\.scope: \S+: ./)
  t.notOk(isLoaded(`runt-${other}.scope`))
})

const bus = isRoot ? '/run/dbus/system_bus_socket' : `${session}/bus`
scenario('over the message bus', { skip: either(skip, needsFile(bus)), user: 'any' }, (t, box) => {
  const id = box.id()
  const dir = bundleOf(box, id, { process: { args: ['cat', '/proc/self/cgroup'] } })
  const address = { [isRoot ? 'DBUS_SYSTEM_BUS_ADDRESS' : 'DBUS_SESSION_BUS_ADDRESS']: `unix:path=${bus}` }
  const result = box.call(['--systemd-cgroup', 'run', '--bundle', dir, id], { env: { ...env, ...address } })
  t.match(result, { status: 0, stderr: '' })
  t.notOk(isLoaded(`runt-${id}.scope`))
})

scenario('a failed start leaves no unit', { skip, user: 'any' }, (t, box) => {
  for (const patch of [
    { process: { args: ['/no/such'] } },
    { ...sleeping, hooks: { createRuntime: [{ path: '/bin/false' }] } },
  ]) {
    const id = box.id()
    t.equal(call(box, 'run', '--bundle', bundleOf(box, id, patch), id).status, 1)
    t.notOk(isLoaded(`runt-${id}.scope`))
  }
})

scenario('create killed at some moments', { skip, user: 'any' }, async (t, box) => {
  const trials = 3
  const first = box.id()
  const start = performance.now()
  call(box, 'create', '--bundle', bundleOf(box, first, sleeping), first)
  const length = performance.now() - start
  t.equal(call(box, 'delete', '--force', first).status, 0)
  for (let n = 0; n < trials; n++) {
    const id = box.id()
    const running = box.begin(['--systemd-cgroup', 'create', '--bundle', bundleOf(box, id, sleeping), id], {
      env,
      stdin: '',
    })
    await pause((length * n) / trials)
    running.kill('SIGKILL')
    await running.exited
    t.equal(call(box, 'delete', '--force', id).status, 0, `killed after ${n}/${trials}`)
    await until(() => !isLoaded(`runt-${id}.scope`), 'the end of its unit')
  }
})

scenario('cgroups below the scope', { skip: onlyV2, user: 'any' }, (t, box) => {
  const annotations = { 'run.oci.systemd.subgroup': 'inner', 'run.oci.delegate-cgroup': 'mine' }
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'cgroup', ...(isRoot ? ['network'] : ['user'])].map((type) => ({
    type,
  }))
  const { id, unit } = detached(box, { namespaces, resources: { pids: { limit: 30 } } }, { annotations })
  const { pid } = box.state(id) ?? {}
  const dir = cgroupOf(pid, 'pids')
  t.ok(dir.endsWith(`/${unit}/inner/mine`), dir)
  t.equal(readFileSync(join(dir, '../pids.max'), 'utf8'), '30\n', 'limits are on the subgroup')
  t.match(readFileSync(join(dir, '../cgroup.subtree_control'), 'utf8'), /pids/)
  t.equal(call(box, 'exec', id, 'cat', '/proc/self/cgroup').stdout, '0::/mine\n', 'its root is the subgroup')
  t.equal(call(box, 'delete', '--force', id).status, 0)
  t.notOk(isLoaded(unit))
})

/* A login session is not below the user's systemd, so its processes cannot move a process into the container's cgroup. */
const user = '1000'
const home = `/run/user/${user}`
const asUser = ['--uid', user, '--gid', user, '-E', `XDG_RUNTIME_DIR=${home}`]
scenario(
  'exec from outside of the user’s cgroups',
  { skip: either(onlyV2, needsFile(`${home}/systemd/private`)) },
  (t, box) => {
    const wrap = ['systemd-run', ...asUser, '--pipe', '--wait', '--quiet', '--collect']
    const callAs = (...args: readonly string[]): Result => box.call(['--systemd-cgroup', ...args], { wrap })
    const id = box.id()
    const { dir } = box.bundle({}, { name: id })
    for (const path of [dir, box.root]) chownSync(path, Number(user), Number(user))
    rmSync(join(dir, 'config.json'))
    t.equal(callAs('spec', '--rootless', '--bundle', dir).status, 0)
    const base = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8')) as Json
    writeFileSync(
      join(dir, 'config.json'),
      JSON.stringify(patched(base, { process: { terminal: false, args: ['sleep', '1000'] } })),
    )
    t.match(callAs('run', '-d', '--bundle', dir, id), { status: 0 })
    const { pid } = box.state(id) ?? {}
    const scope = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    t.match(scope, `/user@${user}.service/user.slice/runt-${id}.scope`)
    t.match(callAs('exec', '-d', '--pid-file', join(box.root, 'pid'), id, 'sleep', '1000'), { status: 0, stderr: '' })
    const other = readFileSync(join(box.root, 'pid'), 'utf8')
    t.equal(readFileSync(`/proc/${other}/cgroup`, 'utf8'), scope)
    rmSync(join(box.root, 'pid'))
    t.match(callAs('delete', '--force', id), { status: 0, stderr: '' })
  },
)

scenario('a cgroup of its own without systemd, too', { skip: needsV2(), user: 'root' }, (t, box) => {
  const id = box.id()
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type }))
  const linux = { namespaces, cgroupsPath: `/${id}` }
  const annotations = { 'run.oci.delegate-cgroup': 'mine/init' }
  const patch = { process: { args: ['cat', '/proc/self/cgroup'] }, annotations, linux }
  t.match(box.call(['run', '--bundle', box.bundle(patch, { name: id }).dir, id]), {
    status: 0,
    stdout: '0::/mine/init\n',
  })
})

/* The guest's own file system, in an overlay, as a bootable system; it starts one unit, which reports its cgroup. */
scenario('systemd runs as init of a container', { skip: onlyV2, user: 'root' }, async (t, box) => {
  const [upper, root] = [join(box.dir, 'upper'), join(box.dir, 'system')]
  for (const dir of [upper, root]) mkdirSync(dir)
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', upper])
  for (const dir of ['data', 'work']) mkdirSync(join(upper, dir))
  const options = `lowerdir=/,upperdir=${upper}/data,workdir=${upper}/work`
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root])
  box.defer(() => execFileSync('umount', ['-R', upper]))
  box.defer(() => execFileSync('umount', ['-R', root]))
  const service =
    '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "cat /proc/self/cgroup >/run/up"\n'
  writeFileSync(join(root, 'etc/systemd/system/up.service'), `[Unit]\nDefaultDependencies=no\n${service}`)
  const id = box.id()
  const caps = [
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'SETGID',
    'SETUID',
    'SETPCAP',
    'SYS_CHROOT',
    'AUDIT_WRITE',
  ]
  const sets = caps.map((name) => `CAP_${name}`)
  const dir = box.bundle(
    {
      process: {
        args: ['/lib/systemd/systemd', '--unit=up.service'],
        env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'container=oci'],
        capabilities: { bounding: sets, effective: sets, permitted: sets },
        noNewPrivileges: false,
      },
      root: { path: root, readonly: false },
      mounts: [
        ...mountsWithout('/sys/fs/cgroup'),
        {
          destination: '/sys/fs/cgroup',
          type: 'cgroup',
          source: 'cgroup',
          options: ['nosuid', 'noexec', 'nodev', 'rw'],
        },
        { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=755'] },
      ],
      linux: {
        namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network'].map((type) => ({ type })),
        resources: { devices: [denyAll], pids: { limit: 200 } },
      },
    },
    { name: id, rootfs: 'none' },
  ).dir
  t.match(call(box, 'run', '-d', '--bundle', dir, id), { status: 0 })
  const up = (): string => call(box, 'exec', id, 'cat', '/run/up').stdout
  await until(() => up() !== '', 'its unit', 60_000)
  t.equal(up(), '0::/system.slice/up.service\n', 'its systemd has made cgroups of its own')
  t.match(call(box, 'exec', id, 'cat', '/proc/1/cgroup').stdout, '0::/init.scope')
  t.equal(call(box, 'kill', id, 'SIGRTMIN+3').status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'its end', 60_000)
  t.match(call(box, 'delete', id), { status: 0, stderr: '' })
  t.notOk(isLoaded(`runt-${id}.scope`))
})
