import t from 'tap'
import type { Resources } from '../config/config.ts'
import { noResources } from '../config/no-resources.ts'
import { freezerOf } from './freezer.ts'
import type { CgroupHost } from './hierarchies.ts'
import { mergeResources, updateResources } from './merge-resources.ts'
import { planUpdate } from './plan-update.ts'
import { busyError, checkUnused, lastWrites, nestedFirst, parseProcesses, releases } from './removal.ts'

const hybridPaths = {
  memory: '/m/web',
  pids: '/p/web',
  cpu: '/c/web',
  cpuacct: '/c/web',
  freezer: '/f/web',
  '': '/u/web',
}
const legacy = (name: string) => ({
  version: 1 as const,
  controllers: [name],
  mountpoint: `/${name}`,
  root: '/',
  own: '/',
})
const v1: CgroupHost = { mode: 'v1', hierarchies: ['memory', 'pids', 'cpu', 'devices'].map(legacy) }
const v2: CgroupHost = {
  mode: 'v2',
  hierarchies: [
    { version: 2, controllers: ['memory', 'cpu', 'pids'], mountpoint: '/sys/fs/cgroup', root: '/', own: '/' },
  ],
}
const slots = { allocate: () => 1 }

t.test('update writes into the recorded directories', (t) => {
  const change: Resources = { ...noResources, memory: { ...noResources.memory, limit: 100n }, pids: { limit: 5n } }
  const { steps, deviceFilter } = planUpdate({ resources: change, paths: hybridPaths, rootless: false }, v1, slots)
  t.same(
    steps.map((step) => (step.op === 'write_file' ? `${step.path} ${step.data}` : step.op)),
    ['/m/web/memory.limit_in_bytes 100', '/p/web/pids.max 5'],
  )
  t.equal(deviceFilter, undefined)
  t.end()
})

t.test('update of a container without that cgroup', (t) => {
  const resources: Resources = { ...noResources, pids: { limit: 5n } }
  t.throws(() => planUpdate({ resources, paths: { memory: '/m/web' }, rootless: false }, v1, slots), {
    message: 'linux.resources.pids.limit: the container has no cgroup with the pids controller',
  })
  t.end()
})

t.test('update of devices: v1 by differences, v2 by a new program, neither when none are named', (t) => {
  const resources: Resources = { ...noResources, devices: [{ allow: true, access: 'rwm' }] }
  const paths = { ...hybridPaths, devices: '/d/web' }
  const onV1 = planUpdate({ resources, paths, rootless: false, devicesList: 'c 1:3 rwm\n' }, v1, slots)
  t.same(
    onV1.steps.map((step) => (step.op === 'write_file' ? `${step.path} ${step.data}` : step.op)),
    ['/d/web/devices.allow a'],
  )
  const onV2 = planUpdate({ resources, paths: { '': '/u/web' }, rootless: false }, v2, slots)
  t.match(onV2.deviceFilter, { program: undefined, slot: 1 })
  t.same(planUpdate({ resources: noResources, paths, rootless: false }, v1, slots), { steps: [] })
  t.end()
})

t.test('a limit below the usage is refused with checkBeforeUpdate', (t) => {
  const memory = { ...noResources.memory, checkBeforeUpdate: true, limit: 100n, swap: 150n }
  const update = (usage: string) =>
    planUpdate({ resources: { ...noResources, memory }, paths: { '': '/u' }, rootless: false, usage }, v2, slots)
  t.throws(() => update('200\n'), {
    message: /rejecting memory\+swap limit 150 <= usage 200; .*rejecting memory limit 100 <= usage 200/,
  })
  t.throws(() => update('100\n'), { message: 'linux.resources.memory.limit: rejecting memory limit 100 <= usage 100' })
  t.equal(update('99\n').steps.length, 2)
  t.end()
})

t.test('an update names only what changes', (t) => {
  const old: Resources = {
    ...noResources,
    memory: { ...noResources.memory, limit: 100n, swap: 200n, disableOOMKiller: true },
    cpu: { quota: 5000n, shares: 512n },
    devices: [{ allow: false }],
    unified: { 'memory.high': '1' },
  }
  const change: Resources = {
    ...noResources,
    memory: { ...noResources.memory, swap: 300n },
    cpu: { period: 10000n },
    unified: { 'memory.low': '2' },
  }
  const merged = mergeResources(old, change)
  t.same(merged.memory, { limit: 100n, swap: 300n, disableOOMKiller: true, checkBeforeUpdate: false })
  t.same(merged.cpu, { quota: 5000n, shares: 512n, period: 10000n })
  t.same(merged.devices, [{ allow: false }])
  t.same(merged.unified, { 'memory.high': '1', 'memory.low': '2' })
  const written = updateResources(old, change)
  t.equal(written.memory.limit, 100n, 'swap alone means nothing on v2')
  t.same(written.cpu, { quota: 5000n, period: 10000n }, 'shares are left alone')
  t.end()
})

t.test('removal: kill file, directories and remaining processes', (t) => {
  t.same(lastWrites(hybridPaths), [
    { path: '/p/web/pids.max', data: '0' },
    { path: '/u/web/cgroup.kill', data: '1' },
  ])
  t.same(
    lastWrites({ '': '/u/web' }).map(({ path }) => path),
    ['/u/web/pids.max', '/u/web/cgroup.kill'],
  )
  t.same(
    lastWrites({ pids: '/p/web' }).map(({ path }) => path),
    ['/p/web/pids.max'],
  )
  t.same(lastWrites({ memory: '/m/web' }), [])
  const release = (paths: Record<string, string>) =>
    releases(paths).map(({ directory, file, data }) => `${directory}/${file} <- ${data}`)
  t.same(release({ cpu: '/c/web', freezer: '/f/web', '': '/u/web' }), [
    '/c/web/cpu.cfs_quota_us <- -1',
    '/f/web/freezer.state <- THAWED',
  ])
  t.same(release({ '': '/u/web' }), ['/u/web/cpu.max <- max', '/u/web/cgroup.freeze <- 0'])
  t.same(release({ memory: '/m/web' }), [])
  const tree: { [path: string]: string[] } = { '/a': ['b', 'c'], '/a/b': ['d'] }
  t.same(
    nestedFirst('/a', (path) => tree[path] ?? []),
    ['/a/b/d', '/a/b', '/a/c', '/a'],
  )
  t.same(parseProcesses('1\n20\n'), [1, 20])
  t.equal(busyError('/a', [7, 8], ['sh']).message, 'cgroup /a: rmdir: EBUSY (still in it: 7 (sh), 8)')
  t.end()
})

t.test('a cgroup that is in use is not taken over', (t) => {
  t.throws(() => checkUnused('/p', [1, 2], false), { message: /container's cgroup is not empty: 2 process/ })
  t.throws(() => checkUnused('/p', [], true), { message: /container's cgroup unexpectedly frozen/ })
  t.doesNotThrow(() => checkUnused('/p', [], false))
  t.end()
})

t.test('the freezer: v1 where it is mounted, else v2', (t) => {
  const legacyFreezer = freezerOf(hybridPaths)
  t.match(legacyFreezer, { file: '/f/web/freezer.state', freeze: 'FROZEN', thaw: 'THAWED' })
  t.equal(legacyFreezer?.state('FREEZING\n'), 'freezing')
  t.equal(legacyFreezer?.state('FROZEN\n'), 'frozen')
  const freezer = freezerOf({ '': '/u/web' })
  t.match(freezer, { file: '/u/web/cgroup.freeze', freeze: '1', thaw: '0', stateFile: '/u/web/cgroup.events' })
  t.equal(freezer?.state('populated 1\nfrozen 1\n'), 'frozen')
  t.equal(freezer?.state('populated 1\nfrozen 0\n'), 'thawed')
  t.equal(freezerOf({ memory: '/m' }), undefined)
  t.end()
})
