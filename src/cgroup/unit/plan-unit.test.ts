import t from 'tap'
import type { Resources } from '../../config/config.ts'
import { noResources } from '../../config/no-resources.ts'
import type { Problem } from '../../errors.ts'
import { expandSlice, parseUnit, unitCgroup } from '../../systemd/unit.ts'
import { type CgroupHost, parseHierarchies } from '../hierarchies.ts'
import { cpuMask } from './cpu-mask.ts'
import { planUnit, type UnitInput } from './plan-unit.ts'
import { createProperties, pidProperty, updateProperties } from './properties.ts'

const unified = parseHierarchies({
  cgroupMounts: ['30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw'],
  ownCgroups: '0::/\n',
  unifiedControllers: 'cpuset cpu io memory hugetlb pids\n',
})
const hybrid = parseHierarchies({
  cgroupMounts: ['memory', 'devices', 'freezer', 'name=systemd']
    .map((name, i) => `3${i} 31 0:${i} / /sys/fs/cgroup/${name.replace('name=', '')} rw - cgroup cgroup rw,${name}`)
    .concat('41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'),
  ownCgroups: '4:name=systemd:/\n3:freezer:/own\n2:devices:/\n1:memory:/\n0::/\n',
  unifiedControllers: '',
})

t.test('slice:prefix:name', (t) => {
  const name = (cgroupsPath?: string) => parseUnit('web', cgroupsPath, 'system')
  t.match(name(), { name: 'runt-web.scope', slice: 'system.slice' })
  t.match(parseUnit('web', undefined, 'user'), { slice: 'user.slice' })
  t.match(name('machine.slice:libpod:1'), { name: 'libpod-1.scope', slice: 'machine.slice' })
  t.match(name(':docker:1'), { name: 'docker-1.scope', slice: 'system.slice' })
  t.match(name('a.slice::1'), { name: '1.scope' })
  t.match(parseUnit('a+b', undefined, 'system'), { name: 'runt-a\\x2bb.scope' })
  t.throws(() => name('kubepods.slice::kubepods-pod1.slice'), { message: /linux.cgroupsPath: .* names a slice/ })
  for (const wrong of [
    '/a/b',
    'a.slice:b',
    'a:b:c',
    'a.slice:b:',
    'a.slice:../b:c',
    '../a.slice:b:c',
    'a.slice:b:c d',
  ]) {
    t.throws(() => name(wrong), { code: 'config', path: 'linux.cgroupsPath' }, wrong)
  }
  t.throws(() => name('/a'), {
    message: /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/a" instead/,
  })
  t.equal(expandSlice('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
  t.equal(expandSlice('-.slice'), '')
  t.throws(() => expandSlice('a--b.slice'))
  t.throws(() => expandSlice('.slice'))
  const manager = '/user.slice/user-1000.slice/user@1000.service'
  t.equal(unitCgroup(parseUnit('web', undefined, 'user'), manager), `${manager}/user.slice/runt-web.scope`)
  t.equal(unitCgroup(name('a-b.slice:p:n'), '/'), '/a.slice/a-b.slice/p-n.scope')
  t.end()
})

t.test('v2: systemd makes the cgroup, the rest is written into it afterwards', (t) => {
  const resources: Resources = { ...noResources, pids: { limit: 10n } }
  const plan = planFor(unified, { resources, annotations: { 'org.systemd.property.CollectMode': "'inactive'" } })
  t.same(plan.runtimeSteps, [])
  t.same(plan.containerSteps, [])
  t.same(plan.paths, { '': '/sys/fs/cgroup/system.slice/runt-web.scope' })
  t.same(
    plan.unit?.steps.map((step) => (step.op === 'write_file' ? `${step.path} ${step.data}` : step.op)),
    [
      '/sys/fs/cgroup/cgroup.subtree_control +hugetlb',
      '/sys/fs/cgroup/system.slice/cgroup.subtree_control +hugetlb',
      '/sys/fs/cgroup/system.slice/runt-web.scope/pids.max 10',
      'openat2',
    ],
    'a controller that systemd does not know is passed on',
  )
  t.equal(plan.deviceFilter?.slot, 1)
  const text = [...(plan.unit?.properties ?? []), pidProperty(42)].map(
    ({ name, signature, value }) => `${name} ${signature} ${String(value)}`,
  )
  t.same(text, [
    'Description s runt container web',
    'Slice s system.slice',
    'Delegate b true',
    'CPUAccounting b true',
    'MemoryAccounting b true',
    'IOAccounting b true',
    'TasksAccounting b true',
    'DefaultDependencies b false',
    'DeviceAllow a(ss) ',
    'DevicePolicy s auto',
    'CollectMode s inactive',
    'TasksMax t 10',
    'PIDs au 42',
  ])
  t.end()
})

t.test('hybrid: cgroups that systemd does not manage are made before the clone and joined by init', (t) => {
  const plan = planFor(hybrid, { cgroupsPath: 'a-b.slice:p:n' })
  t.same(
    plan.runtimeSteps.map((step) => ('path' in step ? step.path : '')),
    ['', '/tasks'].map((end) => `/sys/fs/cgroup/freezer/a.slice/a-b.slice/p-n.scope${end}`),
  )
  t.same(
    plan.containerSteps.map(({ op }) => op),
    ['write', 'close'],
  )
  t.same(plan.inherit, [1])
  t.ok(plan.unit?.steps.some((step) => 'path' in step && step.path?.endsWith('/devices.deny')))
  t.ok(plan.unit?.properties.some(({ name, value }) => name === 'DevicePolicy' && value === 'strict'))
  t.equal(plan.deviceFilter, undefined)
  t.equal(plan.paths['name=systemd'], '/sys/fs/cgroup/systemd/a.slice/a-b.slice/p-n.scope')
  t.end()
})

t.test('a cgroup below the unit’s', (t) => {
  const annotations = { 'run.oci.systemd.subgroup': 'inner' }
  const plan = planFor(unified, { annotations, resources: { ...noResources, pids: { limit: 10n } }, owner: 7 })
  const path = '/sys/fs/cgroup/system.slice/runt-web.scope'
  t.same(plan.paths, { '': `${path}/inner` })
  t.same(
    plan.unit?.steps
      .map((step) => `${step.op} ${'path' in step ? step.path : ''}`)
      .filter((text) => text.includes(path)),
    [
      `mkdirat ${path}/inner`,
      `write_pid ${path}/inner/cgroup.procs`,
      `write_file ${path}/cgroup.subtree_control`,
      `write_file ${path}/inner/pids.max`,
      `openat2 ${path}/inner`,
    ],
    'a cgroup with a process passes no controllers on',
  )
  t.ok(plan.unit?.steps.some((step) => step.op === 'fchownat' && step.uid === 7))
  for (const wrong of ['..', 'a/../b', '/', './a']) {
    const wronged = { 'run.oci.systemd.subgroup': wrong }
    t.throws(
      () => planFor(unified, { annotations: wronged }),
      { message: /annotations.*no path below a cgroup/ },
      wrong,
    )
  }
  t.end()
})

t.test('a user’s systemd', (t) => {
  const user = { version: 252, kind: 'user', controlGroup: '/user.slice/user-1.slice/user@1.service' } as const
  const plan = planUnit({ id: 'web', resources: noResources, annotations: {}, rootless: true }, unified, user, {
    allocate: () => 1,
  })
  t.same(plan.paths, { '': `/sys/fs/cgroup${user.controlGroup}/user.slice/runt-web.scope` })
  t.same(plan.unit?.steps, [])
  t.equal(plan.deviceFilter, undefined)
  t.throws(
    () =>
      planUnit({ id: 'web', resources: noResources, annotations: {}, rootless: true }, hybrid, user, {
        allocate: () => 1,
      }),
    { message: /cgroup v1/ },
  )
  t.end()
})

t.test('all problems are reported at once', (t) => {
  const resources: Resources = { ...noResources, cpu: { cpus: 'x' }, network: { classID: 1, priorities: [] } }
  const annotations = { 'org.systemd.property.Foo': 'bar' }
  t.throws(() => planFor(unified, { resources, annotations }), {
    message: /annotations\["org.systemd.property.Foo"\].*; .*cpu.cpus.*; .*network.classID/,
  })
  t.end()
})

t.test('resources as properties', (t) => {
  const memory = noResources.memory
  const cases: [Partial<Resources>, 'v1' | 'v2', number, string[]][] = [
    [
      { memory: { ...memory, limit: 100n, swap: 300n, reservation: 50n } },
      'v2',
      252,
      ['MemoryMax 100', 'MemoryLow 50', 'MemorySwapMax 200'],
    ],
    [
      { memory: { ...memory, limit: -1n } },
      'v2',
      252,
      ['MemoryMax 18446744073709551615', 'MemorySwapMax 18446744073709551615'],
    ],
    [{ memory: { ...memory, limit: 100n, reservation: 50n } }, 'v1', 252, ['MemoryLimit 100']],
    [{ cpu: { shares: 1024n } }, 'v2', 252, ['CPUWeight 100']],
    [{ cpu: { shares: 1024n } }, 'v1', 252, ['CPUShares 1024']],
    [{ cpu: { shares: 1024n, idle: 1n } }, 'v2', 252, ['CPUWeight 0']],
    [{ cpu: { shares: 1024n, idle: 1n } }, 'v2', 251, ['CPUWeight 100']],
    [
      { cpu: { quota: 50001n, period: 100000n } },
      'v2',
      252,
      ['CPUQuotaPeriodUSec 100000', 'CPUQuotaPerSecUSec 510000'],
    ],
    [{ cpu: { quota: 50000n } }, 'v1', 241, ['CPUQuotaPerSecUSec 500000']],
    [{ cpu: { quota: -1n } }, 'v2', 252, ['CPUQuotaPerSecUSec 18446744073709551615']],
    [{ cpu: { cpus: '0,2-3', mems: '0' } }, 'v2', 252, ['AllowedCPUs 13', 'AllowedMemoryNodes 1']],
    [{ cpu: { cpus: '0' } }, 'v2', 243, []],
    [{ pids: { limit: 0n } }, 'v2', 252, ['TasksMax 1']],
    [{ pids: { limit: -1n } }, 'v2', 252, ['TasksMax 18446744073709551615']],
    [
      {
        unified: {
          'memory.high': 'max',
          'cpu.max': 'max 5000',
          'pids.max': '7',
          'memory.oom.group': '1',
          'io.max': 'x',
        },
      },
      'v2',
      253,
      [
        'MemoryHigh 18446744073709551615',
        'CPUQuotaPeriodUSec 5000',
        'CPUQuotaPerSecUSec 18446744073709551615',
        'TasksMax 7',
      ],
    ],
    [{ unified: { 'cpu.idle': '1', 'cpu.weight': '50' } }, 'v2', 252, ['CPUWeight 0']],
  ]
  for (const [resources, cgroups, version, expected] of cases) {
    const problems: Problem[] = []
    const found = updateProperties({ ...noResources, ...resources }, { cgroups, version }, problems)
    const text = found.map(({ name, value }) => `${name} ${String(value)}`)
    t.same(text, expected, JSON.stringify(expected))
    t.same(problems, [])
  }
  const unit = { ...noResources, unified: { 'memory.oom.group': '1' } }
  t.match(createProperties(unit, { cgroups: 'v2', version: 253 }, []), [{ name: 'OOMPolicy', value: 'kill' }])
  t.end()
})

t.test('devices as properties', (t) => {
  const found = (devices: Resources['devices']) =>
    createProperties({ ...noResources, devices }, { cgroups: 'v1', version: 252 }, []).map(({ name, value }) => [
      name,
      value,
    ])
  t.same(found([{ allow: true, access: 'rwm' }]), [
    ['DeviceAllow', []],
    ['DevicePolicy', 'auto'],
  ])
  const [clear, policy, allow] = found([{ allow: true, type: 'b', major: 8n, minor: 1n, access: 'r' }])
  t.same(
    [clear, policy],
    [
      ['DeviceAllow', []],
      ['DevicePolicy', 'strict'],
    ],
  )
  const list = allow?.[1] as string[][]
  t.same(list.slice(0, 4), [
    ['/dev/block/8:1', 'r'],
    ['char-*', 'm'],
    ['block-*', 'm'],
    ['/dev/char/1:3', 'rwm'],
  ])
  t.ok(list.some(([specifier]) => specifier === 'char-136'))
  t.end()
})

t.test('masks', (t) => {
  t.same([...cpuMask('0-3,9')!], [15, 2])
  t.same([...cpuMask(' 1 ,')!], [2])
  for (const wrong of ['', 'a', '3-1', '0-99999999']) t.equal(cpuMask(wrong), undefined, wrong)
  t.end()
})

function planFor(host: CgroupHost, input: Partial<UnitInput>) {
  let next = 1
  const full: UnitInput = { id: 'web', resources: noResources, annotations: {}, rootless: false, ...input }
  return planUnit(full, host, { version: 252, kind: 'system', controlGroup: '' }, { allocate: () => next++ })
}
