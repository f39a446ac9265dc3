import t from 'tap'
import { parseList, parseNumber, parsePressure } from './parse.ts'
import { pageSizesOf, readStats } from './stats.ts'

t.test('v1: every controller from its own directory', (t) => {
  const stats = readStats(
    {
      cpu: '/cpu',
      cpuacct: '/acct',
      cpuset: '/set',
      memory: '/mem',
      pids: '/pids',
      blkio: '/blk',
      hugetlb: '/huge',
      '': '/v2',
    },
    ['2MB'],
    reader({
      '/cpu/cpu.stat': 'nr_periods 10\nnr_throttled 2\nthrottled_time 5000\n',
      '/acct/cpuacct.stat': 'user 3\nsystem 4\n',
      '/acct/cpuacct.usage': '71000000\n',
      '/acct/cpuacct.usage_percpu': '70000000 1000000 \n',
      '/acct/cpuacct.usage_all': 'cpu user system\n0 30000000 40000000\n1 1000000 0\n',
      '/set/cpuset.cpus': '0-2,5\n',
      '/set/cpuset.mems': '0\n',
      '/set/cpuset.sched_load_balance': '1\n',
      '/set/cpuset.sched_relax_domain_level': '-1\n',
      '/mem/memory.stat': 'cache 4096\nrss 8192\n',
      '/mem/memory.usage_in_bytes': '12288\n',
      '/mem/memory.limit_in_bytes': '9223372036854771712\n',
      '/mem/memory.max_usage_in_bytes': '20480\n',
      '/mem/memory.failcnt': '0\n',
      '/pids/pids.current': '3\n',
      '/pids/pids.max': 'max\n',
      '/blk/blkio.bfq.io_serviced_recursive': 'Total 0\n',
      '/blk/blkio.throttle.io_serviced_recursive': '8:0 Read 124\n8:0 Write 0\n8:0 Total 124\nTotal 124\n',
      '/blk/blkio.throttle.io_service_bytes_recursive': '8:0 Read 1282048\nTotal 1282048\n',
      '/huge/hugetlb.2MB.rsvd.usage_in_bytes': '2097152\n',
      '/huge/hugetlb.2MB.rsvd.failcnt': '1\n',
    }),
  )
  t.same(stats, {
    cpu: {
      usage: {
        total: 71000000n,
        percpu: [70000000n, 1000000n],
        percpu_kernel: [40000000n, 0n],
        percpu_user: [30000000n, 1000000n],
        kernel: 40000000n,
        user: 30000000n,
      },
      throttling: { periods: 10n, throttledPeriods: 2n, throttledTime: 5000n },
    },
    cpuset: {
      cpus: [0, 1, 2, 5],
      cpu_exclusive: 0n,
      mems: [0],
      mem_hardwall: 0n,
      mem_exclusive: 0n,
      memory_migrate: 0n,
      memory_spread_page: 0n,
      memory_spread_slab: 0n,
      memory_pressure: 0n,
      sched_load_balance: 1n,
      sched_relax_domain_level: -1n,
    },
    memory: {
      cache: 4096n,
      usage: { limit: 9223372036854771712n, usage: 12288n, max: 20480n, failcnt: 0n },
      raw: { cache: 4096n, rss: 8192n },
    },
    pids: { current: 3n },
    blkio: {
      ioServicedRecursive: [
        { major: 8n, op: 'Read', value: 124n },
        { major: 8n, op: 'Write' },
        { major: 8n, op: 'Total', value: 124n },
      ],
      ioServiceBytesRecursive: [{ major: 8n, op: 'Read', value: 1282048n }],
    },
    hugetlb: { '2MB': { usage: 2097152n, failcnt: 1n } },
    intel_rdt: {},
    network_interfaces: null,
  })
  t.end()
})

t.test('v2: one directory, pressure, swap counted with memory', (t) => {
  const pressure = 'some avg10=1.50 avg60=0.00 avg300=0.25 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n'
  const stats = readStats(
    { '': '/c' },
    ['2MB'],
    reader({
      '/c/cpu.stat': 'usage_usec 71\nuser_usec 30\nsystem_usec 41\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
      '/c/cpu.pressure': pressure,
      '/c/memory.stat': 'anon 8192\nfile 4096\n',
      '/c/memory.current': '12288\n',
      '/c/memory.max': '1048576\n',
      '/c/memory.swap.current': '100\n',
      '/c/memory.swap.max': '1000\n',
      '/c/pids.current': '2\n',
      '/c/pids.max': '10\n',
      '/c/io.stat': '8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n\n',
      '/c/hugetlb.2MB.current': '0\n',
      '/c/hugetlb.2MB.events': 'max 7\n',
    }),
  )
  t.same(stats.cpu.usage, { total: 71000n, kernel: 41000n, user: 30000n })
  t.equal(stats.cpu.throttling, undefined)
  t.same(stats.cpu.psi, {
    some: { avg10: 1.5, avg60: 0, avg300: 0.25, total: 1234n },
    full: { avg10: 0, avg60: 0, avg300: 0, total: 5n },
  })
  t.same(stats.memory, {
    cache: 4096n,
    usage: { limit: 1048576n, usage: 12288n, failcnt: 0n },
    swap: { limit: 1049576n, usage: 12388n, failcnt: 0n },
    raw: { anon: 8192n, file: 4096n },
  })
  t.same(stats.pids, { current: 2n, limit: 10n })
  t.same(stats.blkio.ioServiceBytesRecursive, [
    { major: 8n, op: 'Read', value: 4096n },
    { major: 8n, op: 'Write' },
  ])
  t.same(stats.hugetlb, { '2MB': { failcnt: 7n } })
  t.end()
})

t.test('v2 without the pids controller: the processes are counted', (t) => {
  t.same(readStats({ '': '/c' }, [], reader({ '/c/cgroup.procs': '1\n22\n' })).pids, { current: 2n })
  t.end()
})

t.test('the formats', (t) => {
  t.equal(parseNumber('max\n'), 18446744073709551615n)
  t.equal(parseNumber('12x'), undefined)
  t.same(parseList('0-3,7\n'), [0, 1, 2, 3, 7])
  t.same(parseList('\n'), [])
  t.equal(parsePressure(undefined), undefined)
  t.same(pageSizesOf(['hugepages-2048kB', 'hugepages-1048576kB', 'hugepages-64kB', 'other']), ['2MB', '1GB', '64KB'])
  t.end()
})

function reader(files: { readonly [path: string]: string }) {
  return (path: string) => files[path]
}
