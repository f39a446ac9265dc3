import t from 'tap'
import { planWith, stepsFrom, stepsOf } from './fixtures/plan-of.ts'
import { ON_MISSING_SKIP } from './launch-plan.ts'
import { sysctlPath } from './paths.ts'

t.test('sysctl names: the first separator decides', (t) => {
  for (const [name, path] of [
    ['kernel.shmmax', 'kernel/shmmax'],
    ['net.ipv4.conf.eth0/1.forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
    ['net/ipv4/conf/eth0.1/forwarding', 'net/ipv4/conf/eth0.1/forwarding'],
    ['plain', 'plain'],
  ] as const)
    t.equal(sysctlPath(name), path)
  t.end()
})

t.test('sysctl: written below a procfs of our own, through no link, no mount, and not out of it', (t) => {
  const planned = planWith({ linux: { sysctl: { 'net.core.somaxconn': '256' } } })
  t.match(
    stepsOf(planned, 'write_file').filter(({ from }) => from.startsWith('linux.sysctl')),
    [
      {
        from: 'linux.sysctl.net.core.somaxconn',
        path: 'sys/net/core/somaxconn',
        data: '256',
        expectFs: 0x9fa0,
        resolve: 0x0f,
      },
    ],
  )
  t.end()
})

t.test('a path that is listed twice is covered once, and one that is missing is skipped', (t) => {
  const planned = planWith({ linux: { maskedPaths: ['/proc/a', '/proc/a'], readonlyPaths: ['/proc/b', '/proc/b'] } })
  t.match(stepsFrom(planned, 'linux.readonlyPaths'), [
    { op: 'openat2', path: 'b', onMissing: ON_MISSING_SKIP },
    { op: 'open_tree' },
    { op: 'mount_setattr', set: 1 },
    { op: 'move_mount' },
    { op: 'close' },
  ])
  t.equal(stepsFrom(planned, 'linux.maskedPaths (/proc/a)').length, 4)
  t.end()
})

t.test('no masked paths, no masks', (t) => {
  t.same(stepsFrom(planWith({ linux: { maskedPaths: [] } }), 'linux.maskedPaths'), [])
  t.end()
})

t.test('/dev/null must be null itself', (t) => {
  const [source] = stepsOf(planWith({}), 'openat2').filter(({ from }) => from === 'linux.maskedPaths (/dev/null)')
  t.equal(source?.expectRdev, 259)
  t.end()
})
