import t from 'tap'
import type { Resources } from '../config/config.ts'
import { noResources } from '../config/no-resources.ts'
import type { Problem } from '../errors.ts'
import { resourceWrites } from './controllers.ts'
import type { CgroupHost } from './hierarchies.ts'
import type { Purpose } from './write.ts'

const ALL_V1 = ['memory', 'pids', 'cpu', 'cpuset', 'blkio', 'hugetlb', 'rdma', 'net_cls', 'net_prio']
const v1: CgroupHost = {
  mode: 'v1',
  hierarchies: ALL_V1.map((name) => ({ version: 1, controllers: [name], mountpoint: `/${name}`, root: '/', own: '/' })),
}
const v2: CgroupHost = {
  mode: 'v2',
  hierarchies: [
    {
      version: 2,
      controllers: ['memory', 'pids', 'cpu', 'cpuset', 'io', 'hugetlb', 'rdma'],
      mountpoint: '/sys/fs/cgroup',
      root: '/',
      own: '/',
    },
  ],
}
const memory = noResources.memory
const blockIO = noResources.blockIO

/** [name, resources, purpose, writes on v1, writes on v2]; `?` marks a write that may fail. */
const cases: [string, Partial<Resources>, Purpose, string[], string[]][] = [
  ['nothing set', {}, 'create', [], []],
  [
    'memory limit and swap on a new cgroup',
    { memory: { ...memory, limit: 100n, swap: 300n, reservation: 50n } },
    'create',
    ['memory.limit_in_bytes 100', 'memory.memsw.limit_in_bytes 300', 'memory.soft_limit_in_bytes 50'],
    ['memory.swap.max 200', 'memory.max 100', 'memory.low 50'],
  ],
  [
    'memory limit and swap on a used cgroup: a second try once the other has moved',
    { memory: { ...memory, limit: 100n, swap: 300n } },
    'update',
    ['memory.limit_in_bytes 100 ?', 'memory.memsw.limit_in_bytes 300', 'memory.limit_in_bytes 100'],
    ['memory.swap.max 200', 'memory.max 100'],
  ],
  [
    'memory unlimited means swap unlimited',
    { memory: { ...memory, limit: -1n } },
    'update',
    ['memory.memsw.limit_in_bytes -1 ?', 'memory.limit_in_bytes -1'],
    ['memory.swap.max max ?', 'memory.max max'],
  ],
  [
    'no swap at all',
    { memory: { ...memory, limit: 100n, swap: 100n } },
    'create',
    ['memory.limit_in_bytes 100', 'memory.memsw.limit_in_bytes 100'],
    ['memory.swap.max 0 ?', 'memory.max 100'],
  ],
  [
    'unlimited swap',
    { memory: { ...memory, limit: 100n, swap: -1n } },
    'create',
    ['memory.memsw.limit_in_bytes -1', 'memory.limit_in_bytes 100'],
    ['memory.swap.max max ?', 'memory.max 100'],
  ],
  [
    'what is on v1 only, and what the kernel may no longer have',
    { memory: { ...memory, kernel: 5n, kernelTCP: 6n, swappiness: 0n, disableOOMKiller: true } },
    'create',
    [
      'memory.kmem.limit_in_bytes 5 ?',
      'memory.oom_control 1',
      'memory.kmem.tcp.limit_in_bytes 6 ?',
      'memory.swappiness 0',
    ],
    [],
  ],
  ['swappiness -1', { memory: { ...memory, swappiness: 18446744073709551615n } }, 'create', [], []],
  [
    'cpu bandwidth on a new cgroup',
    { cpu: { shares: 1024n, quota: 50000n, period: 100000n, burst: 0n } },
    'create',
    ['cpu.shares 1024', 'cpu.cfs_period_us 100000', 'cpu.cfs_quota_us 50000', 'cpu.cfs_burst_us 0 ?'],
    ['cpu.weight 100', 'cpu.max 50000 100000', 'cpu.max.burst 0 ?'],
  ],
  [
    'cpu bandwidth on a used cgroup',
    { cpu: { quota: 50000n, period: 1000n, burst: 7n } },
    'update',
    [
      'cpu.cfs_period_us 1000 ?',
      'cpu.cfs_burst_us 7 ?',
      'cpu.cfs_quota_us 50000',
      'cpu.cfs_period_us 1000',
      'cpu.cfs_burst_us 7 ?',
    ],
    ['cpu.max.burst 7 ?', 'cpu.max 50000 1000', 'cpu.max.burst 7 ?'],
  ],
  ['quota alone, unlimited', { cpu: { quota: -1n } }, 'create', ['cpu.cfs_quota_us -1'], ['cpu.max max 100000']],
  ['period alone', { cpu: { period: 5000n } }, 'create', ['cpu.cfs_period_us 5000'], ['cpu.max max 5000']],
  [
    'idle after the shares, awake before',
    { cpu: { shares: 2n, idle: 1n } },
    'create',
    ['cpu.shares 2', 'cpu.idle 1'],
    ['cpu.weight 1', 'cpu.idle 1'],
  ],
  [
    'awake before the shares',
    { cpu: { shares: 2n, idle: 0n } },
    'update',
    ['cpu.idle 0', 'cpu.shares 2'],
    ['cpu.idle 0', 'cpu.weight 1'],
  ],
  [
    'cpuset',
    { cpu: { cpus: '0-1', mems: '0' } },
    'create',
    ['cpuset.cpus 0-1', 'cpuset.mems 0'],
    ['cpuset.cpus 0-1', 'cpuset.mems 0'],
  ],
  ['pids', { pids: { limit: 5n } }, 'create', ['pids.max 5'], ['pids.max 5']],
  ['pids 0 is a limit', { pids: { limit: 0n } }, 'create', ['pids.max 1'], ['pids.max 1']],
  ['pids unlimited', { pids: { limit: -1n } }, 'update', ['pids.max max'], ['pids.max max']],
  [
    'block IO',
    {
      blockIO: {
        ...blockIO,
        weight: 500,
        weightDevice: [{ major: 8n, minor: 0n, weight: 600 }],
        throttleReadBpsDevice: [{ major: 8n, minor: 0n, rate: 9223372036854775807n }],
        throttleWriteIOPSDevice: [{ major: 8n, minor: 16n, rate: 0n }],
      },
    },
    'create',
    [
      'blkio.bfq.weight 500',
      'blkio.bfq.weight_device 8:0 600',
      'blkio.throttle.read_bps_device 8:0 9223372036854775807',
      'blkio.throttle.write_iops_device 8:16 0',
    ],
    [
      'io.bfq.weight 500 ?',
      'io.weight 4950 ?',
      'io.bfq.weight 8:0 600 ?',
      'io.max 8:0 rbps=9223372036854775807',
      'io.max 8:16 wiops=max',
    ],
  ],
  [
    'huge pages',
    { hugepageLimits: [{ pageSize: '2MB', limit: 9223372036854771712n }] },
    'create',
    ['hugetlb.2MB.limit_in_bytes 9223372036854771712', 'hugetlb.2MB.rsvd.limit_in_bytes 9223372036854771712 ?'],
    ['hugetlb.2MB.max 9223372036854771712', 'hugetlb.2MB.rsvd.max 9223372036854771712 ?'],
  ],
  [
    'rdma',
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaObjects: 1 } } },
    'create',
    ['rdma.max mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max mlx4_0 hca_object=1'],
    ['rdma.max mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max mlx4_0 hca_object=1'],
  ],
]

for (const [name, resources, purpose, onV1, onV2] of cases) {
  t.test(name, (t) => {
    t.same(written(resources, purpose, v1), onV1, 'v1')
    t.same(written(resources, purpose, v2), onV2, 'v2')
    t.end()
  })
}

t.test('net_cls and net_prio', (t) => {
  const resources: Partial<Resources> = { network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] } }
  t.same(written(resources, 'create', v1), ['net_cls.classid 1048577', 'net_prio.ifpriomap eth0 500'])
  t.same(faults(resources, v2), [
    'linux.resources.network.classID: the net_cls controller is not available on this host (cgroup v2)',
    'linux.resources.network.priorities[0]: the net_prio controller is not available on this host (cgroup v2)',
  ])
  t.end()
})

t.test('unified: by name, line by line, after everything else', (t) => {
  const unified = { 'memory.high': '5', 'io.max': '8:0 rbps=1\n8:16 rbps=2\n', 'cgroup.max.depth': '3' }
  t.same(written({ unified, pids: { limit: 1n } }, 'create', v2), [
    'pids.max 1',
    'memory.high 5',
    'io.max 8:0 rbps=1',
    'io.max 8:16 rbps=2',
    'cgroup.max.depth 3',
  ])
  const wrong = { '../x': '1', memory: '1', '.x': '1', 'misc.max': '1' }
  t.same(faults({ unified: wrong }, v2), [
    'linux.resources.unified["../x"]: must be a file name, without slashes',
    'linux.resources.unified["memory"]: must have the form CONTROLLER.PARAMETER',
    'linux.resources.unified[".x"]: must have the form CONTROLLER.PARAMETER',
    'linux.resources.unified["misc.max"]: controller "misc" not available',
  ])
  t.end()
})

t.test('invalid values are problems', (t) => {
  t.same(faults({ memory: { ...memory, limit: 200n, swap: 100n } }, v1), [
    'linux.resources.memory.swap: memory+swap limit 100 must not be below linux.resources.memory.limit (200)',
  ])
  t.same(faults({ memory: { ...memory, swap: 100n } }, v2), [
    'linux.resources.memory.swap: needs linux.resources.memory.limit',
  ])
  t.same(faults({ memory: { ...memory, swappiness: 101n } }, v1), [
    'linux.resources.memory.swappiness: 101 is not between 0 and 100',
  ])
  t.same(faults({ cpu: { shares: 1n } }, v1), ['linux.resources.cpu.shares: 1: the minimum allowed cpu-shares is 2'])
  t.same(faults({ cpu: { realtimePeriod: 1n } }, v2), [
    'linux.resources.cpu.realtimePeriod: cgroup v2 has no real-time group scheduling',
  ])
  t.same(faults({ hugepageLimits: [{ pageSize: '../2MB', limit: 1n }] }, v2), [
    'linux.resources.hugepageLimits[0].pageSize: "../2MB" is not a page size such as "2MB"',
  ])
  t.same(faults({ blockIO: { ...blockIO, leafWeight: 10 } }, v2), [
    'linux.resources.blockIO.leafWeight: the blkio controller has no leaf weights since Linux 5.0',
  ])
  t.end()
})

function written(resources: Partial<Resources>, purpose: Purpose, host: CgroupHost): string[] {
  const problems: Problem[] = []
  const all = resourceWrites({ ...noResources, ...resources }, host, purpose, problems)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return [...all.values()].flatMap(({ writes }) =>
    writes.map((write) => `${write.file} ${write.data}${write.tolerate ? ' ?' : ''}`),
  )
}

function faults(resources: Partial<Resources>, host: CgroupHost): string[] {
  const problems: Problem[] = []
  resourceWrites({ ...noResources, ...resources }, host, 'create', problems)
  return problems.map(({ path, message }) => `${path}: ${message}`)
}
