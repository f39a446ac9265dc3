import t from 'tap'
import { describeOom, oomEnd, sizeText } from './oom-end.ts'

const v1 = { memory: '/m' }
const v2 = { '': '/u' }
const limit = `${8 << 20}\n`
const cases: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  Readonly<Record<string, string>>,
  string | undefined,
])[] = [
  [
    'v1, its own limit',
    v1,
    {
      '/m/memory.oom_control': 'under_oom 0\noom_kill 1\n',
      '/m/memory.limit_in_bytes': limit,
      '/m/memory.failcnt': '7\n',
    },
    'out of memory: linux.resources.memory.limit is 8 MiB (1 OOM kill)',
  ],
  [
    'v1, a kernel that does not count failures',
    v1,
    {
      '/m/memory.oom_control': 'oom_kill 1\n',
      '/m/memory.limit_in_bytes': limit,
      '/m/memory.failcnt': '0\n',
      '/m/memory.max_usage_in_bytes': limit,
    },
    'out of memory: linux.resources.memory.limit is 8 MiB (1 OOM kill)',
  ],
  [
    'v1, its limit of memory and swap',
    v1,
    {
      '/m/memory.oom_control': 'oom_kill 2\n',
      '/m/memory.limit_in_bytes': limit,
      '/m/memory.failcnt': '0\n',
      '/m/memory.memsw.failcnt': '1\n',
    },
    'out of memory: linux.resources.memory.limit is 8 MiB (2 OOM kills)',
  ],
  [
    'v1, a limit that was not reached',
    v1,
    { '/m/memory.oom_control': 'oom_kill 1\n', '/m/memory.limit_in_bytes': limit, '/m/memory.failcnt': '0\n' },
    'out of memory: a cgroup above the container, or the host, had none left (1 OOM kill)',
  ],
  [
    'v1, no limit',
    v1,
    {
      '/m/memory.oom_control': 'oom_kill 1\n',
      '/m/memory.limit_in_bytes': '9223372036854771712\n',
      '/m/memory.failcnt': '1\n',
    },
    'out of memory: a cgroup above the container, or the host, had none left (1 OOM kill)',
  ],
  [
    'v1, no kill',
    v1,
    { '/m/memory.oom_control': 'oom_kill 0\n', '/m/memory.limit_in_bytes': limit, '/m/memory.failcnt': '7\n' },
    undefined,
  ],
  ['v1, before Linux 4.13', v1, { '/m/memory.oom_control': 'oom_kill_disable 0\n' }, undefined],
  [
    'v2, its own limit',
    v2,
    { '/u/memory.events': 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n', '/u/memory.max': limit },
    'out of memory: linux.resources.memory.limit is 8 MiB (1 OOM kill)',
  ],
  [
    'v2, a cgroup above',
    v2,
    { '/u/memory.events': 'max 0\noom 0\noom_kill 3\n', '/u/memory.max': 'max\n' },
    'out of memory: a cgroup above the container, or the host, had none left (3 OOM kills)',
  ],
  ['v2, no controller', v2, {}, undefined],
  ['no cgroup', {}, {}, undefined],
]

for (const [name, paths, files, expected] of cases) {
  t.test(name, async (t) => {
    const end = oomEnd(paths, (path) => files[path])
    t.equal(end && describeOom(end), expected)
  })
}

t.test('a size is in the largest unit that leaves no fraction', async (t) => {
  t.equal(sizeText(0n), '0 bytes')
  t.equal(sizeText(1000n), '1000 bytes')
  t.equal(sizeText(1536n << 20n), '1536 MiB')
  t.equal(sizeText(2n << 40n), '2 TiB')
})
