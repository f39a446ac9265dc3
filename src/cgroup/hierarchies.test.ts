import t from 'tap'
import { parseHierarchies, parseOwnCgroups } from './hierarchies.ts'

const hybridMounts = [
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate',
]
const hybridOwn = '3:name=systemd:/user.slice\n2:memory:/api/1\n1:cpu,cpuacct:/\n0::/user.slice\n'

t.test('hybrid: every v1 mount with its own path, joint controllers, the v2 tree beside', (t) => {
  const host = parseHierarchies({
    cgroupMounts: hybridMounts,
    ownCgroups: hybridOwn,
    unifiedControllers: 'hugetlb misc\n',
  })
  t.same(host, {
    mode: 'hybrid',
    hierarchies: [
      { version: 1, controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct', root: '/', own: '/' },
      { version: 1, controllers: ['memory'], mountpoint: '/sys/fs/cgroup/memory', root: '/', own: '/api/1' },
      {
        version: 1,
        controllers: ['name=systemd'],
        mountpoint: '/sys/fs/cgroup/systemd',
        root: '/',
        own: '/user.slice',
      },
      {
        version: 2,
        controllers: ['hugetlb', 'misc'],
        mountpoint: '/sys/fs/cgroup/unified',
        root: '/',
        own: '/user.slice',
      },
    ],
  })
  t.end()
})

t.test('v1 without a v2 tree, and nothing at all', (t) => {
  const v1 = parseHierarchies({ cgroupMounts: hybridMounts.slice(0, 3), ownCgroups: hybridOwn, unifiedControllers: '' })
  t.equal(v1.mode, 'v1')
  t.same(parseHierarchies({ cgroupMounts: [], ownCgroups: '', unifiedControllers: '' }), {
    mode: 'none',
    hierarchies: [],
  })
  t.end()
})

t.test('v2: a v1 mount beside /sys/fs/cgroup is left alone', (t) => {
  const host = parseHierarchies({
    cgroupMounts: [
      '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot',
      '99 23 0:90 / /mnt/net_cls rw - cgroup none rw,net_cls',
    ],
    ownCgroups: '0::/user.slice/user-1000.slice/session-1.scope\n',
    unifiedControllers: 'cpuset cpu io memory hugetlb pids rdma misc\n',
  })
  t.equal(host.mode, 'v2')
  t.equal(host.hierarchies.length, 1)
  t.equal(host.hierarchies[0]?.own, '/user.slice/user-1000.slice/session-1.scope')
  t.equal(host.hierarchies[0]?.controllers.length, 8)
  t.end()
})

t.test('inside a container: the path on the host is taken relative to the mounted root', (t) => {
  const nested = (root: string, own: string) =>
    parseHierarchies({
      cgroupMounts: [`700 690 0:32 ${root} /sys/fs/cgroup/memory ro,nosuid master:16 - cgroup cgroup rw,memory`],
      ownCgroups: `4:memory:${own}\n`,
      unifiedControllers: '',
    }).hierarchies[0]?.own
  t.equal(nested('/docker/abc', '/docker/abc'), '/')
  t.equal(nested('/docker/abc', '/docker/abc/inner'), '/inner')
  t.equal(nested('/docker/abc', '/docker/abcd'), '/', 'a sibling with the same beginning is outside')
  t.equal(nested('/', '/../other'), '/', 'outside of the cgroup namespace')
  t.end()
})

t.test('a hierarchy mounted twice counts once, at the usual place', (t) => {
  const host = parseHierarchies({
    cgroupMounts: [
      '50 31 0:32 / /mnt/with\\040blank rw - cgroup cgroup rw,memory',
      '51 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '52 31 0:33 / /mnt/pids\\040here rw - cgroup cgroup rw,pids',
      'nonsense',
    ],
    ownCgroups: '2:pids:/\n1:memory:/\n',
    unifiedControllers: '',
  })
  t.same(
    host.hierarchies.map((hierarchy) => hierarchy.mountpoint),
    ['/sys/fs/cgroup/memory', '/mnt/pids here'],
  )
  t.end()
})

t.test('/proc/PID/cgroup: names and paths with colons', (t) => {
  const own = parseOwnCgroups('7:name=a:/b:c\n1:cpu,cpuacct:/x\n\n0::/\n')
  t.equal(own.get('name=a'), '/b:c')
  t.equal(own.get('cpuacct'), '/x')
  t.equal(own.get(''), '/')
  t.end()
})
