/*
 * --systemd-cgroup with a fake systemd: everything except systemd itself, on any v1 or hybrid host, and every way
 * in which it can fail. For all failures: an error that names the request and the reason, within the deadline, and nothing
 * left behind. systemd.test.ts uses the real one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, type Patch } from '../../harness/bundle.ts'
import { cgroupMounts, token } from '../../harness/census.ts'
import { reachableCgroups } from '../../harness/cgroup.ts'
import { type FakeSystemd, fakeSystemd, type Manner } from '../../harness/fake-systemd.ts'
import { isRunt } from '../../harness/project.ts'
import { either, needsV1 } from '../../harness/requires.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const skip = either(isRunt ? false : 'the fake is honoured by runt only', needsV1('pids'))
const slice = `${token}.slice`

/** Runs a command while the fake serves requests. */
const under = ({ env }: FakeSystemd, box: Box, ...args: readonly string[]): Promise<Result> =>
  box.begin(['--systemd-cgroup', ...args], { env, stdin: '' }).exited

/** A bundle whose container is in a slice of the test. */
function bundleOf(box: Box, id: string, patch: Patch = {}, linux: Patch = {}): string {
  const cgroupsPath = `${slice}:test:${id}`
  return box.bundle({ linux: { cgroupsPath, ...linux }, ...patch } as Patch, { name: id }).dir
}

const pidsDirectory = cgroupMounts().find(({ controllers }) => controllers.split(',').includes('pids'))?.dir ?? ''

scenario('create, start and delete with a systemd scope', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  const id = box.id()
  const unit = `test-${id}.scope`
  const resources = { pids: { limit: 30 }, memory: { limit: 64 << 20 }, cpu: { quota: 50_001, period: 100_000 } }
  const annotations = { 'org.systemd.property.TimeoutStopSec': '7', 'org.systemd.property.CollectMode': "'inactive'" }
  const dir = bundleOf(box, id, { process: { args: ['sleep', '1000'] }, annotations }, { resources })
  t.match(await under(systemd, box, 'create', '--bundle', dir, id), { status: 0, stderr: '' })
  const properties = systemd.unit(unit)
  t.match(Object.fromEntries(properties), {
    Slice: slice,
    Delegate: true,
    DefaultDependencies: false,
    DevicePolicy: 'strict',
    MemoryLimit: BigInt(64 << 20),
    CPUQuotaPerSecUSec: 510_000n,
    TasksMax: 30n,
    TimeoutStopUSec: 7_000_000n,
    CollectMode: 'inactive',
  })
  t.same(properties.get('PIDs'), [box.state(id)?.pid])
  const scope = join(pidsDirectory, slice, unit)
  t.equal(readFileSync(join(scope, 'cgroup.procs'), 'utf8').trim(), String(box.state(id)?.pid))
  t.equal(readFileSync(join(scope, 'pids.max'), 'utf8'), '30\n')
  const cgroups = reachableCgroups(readFileSync(`/proc/${box.state(id)?.pid}/cgroup`, 'utf8').split('\n'))
  t.not(cgroups.length, 0)
  t.same(
    cgroups.filter((line) => !line.endsWith(`/${slice}/${unit}`)),
    [],
    'init is in it in every hierarchy, systemd’s and the others',
  )
  t.equal((await under(systemd, box, 'start', id)).status, 0)
  t.match((await under(systemd, box, 'exec', id, 'cat', '/proc/self/cgroup')).stdout, `pids:/${slice}/${unit}`)
  t.equal((await under(systemd, box, 'pause', id)).status, 0)
  t.equal(box.state(id)?.status, 'paused')
  t.equal((await under(systemd, box, 'resume', id)).status, 0)
  t.match(await under(systemd, box, 'update', '--pids-limit', '20', '--cpu-quota', '20000', id), {
    status: 0,
    stderr: '',
  })
  t.equal(systemd.unit(unit).get('TasksMax'), 20n)
  t.equal(systemd.unit(unit).get('CPUQuotaPerSecUSec'), 200_000n)
  t.equal(readFileSync(join(scope, 'pids.max'), 'utf8'), '20\n')
  t.match(await under(systemd, box, 'update', '--memory', '1', id), { status: 1, stderr: /memory\.limit/ })
  t.equal(systemd.unit(unit).get('MemoryLimit'), BigInt(64 << 20), 'what is not possible is taken back')
  t.match(await under(systemd, box, 'delete', '--force', id), { status: 0, stderr: '' })
  t.ok(systemd.calls.some(([name]) => name === 'StopUnit'))
  t.notOk(existsSync(scope))
})

scenario('run, in the foreground, and a subgroup', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  const id = box.id()
  const annotations = { 'run.oci.systemd.subgroup': 'inner' }
  const dir = bundleOf(box, id, { process: { args: ['cat', '/proc/self/cgroup'] }, annotations })
  const result = await under(systemd, box, 'run', '--bundle', dir, id)
  t.match(result, { status: 0, stderr: '' })
  const cgroups = reachableCgroups(result.stdout.split('\n'))
  t.not(cgroups.length, 0)
  t.same(
    cgroups.filter((line) => !line.endsWith('.scope/inner')),
    [],
  )
})

scenario('plan shows the properties of the systemd unit', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  const dir = bundleOf(box, 'web', {}, { resources: { pids: { limit: 30 } } })
  const result = await under(systemd, box, 'plan', dir)
  t.match(result.stdout, /start_unit unit="test-web.scope" properties=\[.*"TasksMax=uint64 30"/)
  t.notOk(systemd.calls.some(([name]) => name === 'StartTransientUnit'))
})

const ways: readonly (readonly [Manner, RegExp])[] = [
  ['is silent', /systemd: connect to .*\/bus: no answer within 0\.3 s$/m],
  ['is none', /systemd: .*: not a D-Bus message$/m],
  ['refuses', /systemd: start test-.*\.scope: org\.example\.Denied: Not today\.$/m],
  ['fails', /systemd: start test-.*\.scope: the job ended with "failed"$/m],
  ['never ends', /systemd: start test-.*\.scope: no answer within 0\.3 s$/m],
  ['hangs up', /systemd: start test-.*\.scope: the connection was closed$/m],
]
for (const [manner, message] of ways) {
  scenario(`a systemd that ${manner}`, { skip }, async (t, box) => {
    const systemd = await fakeSystemd(box, manner)
    for (const command of ['create', 'run']) {
      const id = box.id()
      const result = await under(systemd, box, command, '--bundle', bundleOf(box, id), id)
      t.equal(result.status, 1)
      t.match(result.stderr, message)
      t.equal(box.state(id), undefined)
    }
  })
}

scenario('a missing systemd is an error', { skip }, async (t, box) => {
  const id = box.id()
  const dir = bundleOf(box, id)
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${box.dir}/nowhere` }
  const absent = box.call(['--systemd-cgroup', 'create', '--bundle', dir, id], { env })
  t.match(absent, { status: 1, stderr: /systemd: connect to .*nowhere: ENOENT .*does systemd run here\?/ })
  const odd = { DBUS_SYSTEM_BUS_ADDRESS: 'tcp:host=localhost' }
  const wrong = box.call(['--systemd-cgroup', 'create', '--bundle', dir, id], { env: odd })
  t.match(wrong, { status: 1, stderr: /systemd: DBUS_SYSTEM_BUS_ADDRESS: "tcp:host=localhost" names no socket/ })
})

scenario('a pids limit of one is set after init has forked', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  const id = box.id()
  const mappings = [{ containerID: 0, hostID: 0, size: 65536 }]
  const namespaces = [...defaultConfig.linux.namespaces, { type: 'user' }]
  const linux = { resources: { pids: { limit: 1 } }, namespaces, uidMappings: mappings, gidMappings: mappings }
  const dir = bundleOf(box, id, { process: { args: ['sleep', '1000'] } }, linux)
  t.match(await under(systemd, box, 'create', '--bundle', dir, id), { status: 0, stderr: '' })
  t.equal(systemd.unit(`test-${id}.scope`).get('TasksMax'), 1n)
  t.equal(readFileSync(join(pidsDirectory, slice, `test-${id}.scope`, 'pids.max'), 'utf8'), '1\n')
  t.equal((await under(systemd, box, 'start', id)).status, 0)
  t.match(await under(systemd, box, 'delete', '--force', id), { status: 0, stderr: '' })
})

scenario('delete succeeds if systemd does not answer', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box, 'falls silent')
  const id = box.id()
  const dir = bundleOf(box, id, { process: { args: ['sleep', '1000'] } })
  t.equal((await under(systemd, box, 'create', '--bundle', dir, id)).status, 0)
  const scope = join(pidsDirectory, slice, `test-${id}.scope`)
  const update = await under(systemd, box, 'update', '--pids-limit', '7', id)
  t.match(update, { status: 1, stderr: /systemd: set properties of test-.*\.scope: no answer within 3 s/ })
  t.equal(readFileSync(join(scope, 'pids.max'), 'utf8'), 'max\n', 'nothing is changed then')
  const result = await under(systemd, box, 'delete', '--force', id)
  t.match(result, { status: 0, stderr: /warning.*systemd: stop test-.*\.scope: no answer within 3 s/ })
  t.notOk(existsSync(scope))
})

scenario('a failure after the unit was started stops the unit', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  const id = box.id()
  const dir = bundleOf(box, id, { process: { args: ['/no/such/program'] } })
  t.match(await under(systemd, box, 'create', '--bundle', dir, id), { status: 1, stderr: /no such file/ })
  t.ok(systemd.calls.some(([name]) => name === 'StopUnit'))
  t.equal(systemd.unit(`test-${id}.scope`).size, 0)
})

scenario('a cgroupsPath in the format of the other manager is an error', { skip }, async (t, box) => {
  const systemd = await fakeSystemd(box)
  for (const cgroupsPath of ['/a/b', 'a.slice:b', 'no:slice:here', 'a.slice:b:c.slice', 'a.slice:b:c d']) {
    const id = box.id()
    const dir = bundleOf(box, id, {}, { cgroupsPath })
    const result = await under(systemd, box, 'create', '--bundle', dir, id)
    t.equal(result.status, 1, cgroupsPath)
    t.match(result.stderr, /linux\.cgroupsPath: /)
  }
  for (const cgroupsPath of [`${slice}:test:x`, ':test:x']) {
    const id = box.id()
    const result = box.call(['create', '--bundle', bundleOf(box, id, {}, { cgroupsPath }), id])
    t.equal(result.status, 1, cgroupsPath)
    t.match(result.stderr, /linux\.cgroupsPath: ".*" is a systemd unit .*--systemd-cgroup/)
  }
})
