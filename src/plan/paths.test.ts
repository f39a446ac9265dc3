import t from 'tap'
import { sysctlPath } from '../config/sysctl.ts'
import { planWith, stepsFrom, stepsOf } from './fixtures/plan-of.ts'
import { undeclared } from './testing/open-slots.ts'

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
  t.match(stepsFrom(planned, 'linux.readonlyPaths ('), [
    { op: 'open_covered', path: '/proc/b', rest: 'b' },
    { op: 'open_tree' },
    { op: 'mount_setattr', set: 1 },
    { op: 'move_mount' },
    { op: 'close_temporaries' },
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

const bind = (destination: string, ...options: string[]) => ({ destination, type: 'bind', source: '/s', options })
const rootOnly = { mount: undefined, rest: undefined }

/** How a path is opened: the name of the mount's slot, and the rest of the path; undefined if no step opens it. */
function opened(path: string, mounts: ReturnType<typeof bind>[]) {
  const { plan } = planWith({ mounts, linux: { maskedPaths: [path], readonlyPaths: [] } })
  const [step] = plan.containerSteps.flatMap((step) => (step.op === 'open_covered' ? [step] : []))
  if (step === undefined) return undefined
  return { mount: step.mount === undefined ? undefined : plan.slots[Number(step.mount)], rest: step.rest }
}

t.test('a path is resolved from the uppermost mount of the config that it is on', (t) => {
  for (const [path, destinations, expected] of [
    ['/a/b/c', ['/a'], { mount: 'bind /a', rest: 'b/c' }],
    ['//a/./b/c/', ['/a'], { mount: 'bind /a', rest: 'b/c' }],
    ['/a/b/c', ['/a', '/a/b'], { mount: 'bind /a/b', rest: 'c' }],
    ['/a/b/c', ['/a/b', '/a'], { mount: 'bind /a', rest: 'b/c' }],
    ['/a/b/c', ['/a', '/a/bb', '/a/b/c/d'], { mount: 'bind /a', rest: 'b/c' }],
    ['/a/b', ['/a/b'], undefined],
    ['/a/b', ['/'], rootOnly],
    ['/a/b', ['/a', '/'], rootOnly],
    ['/x', ['/a'], rootOnly],
    ['/proc/x', ['/proc', '/a'], { mount: 'bind /proc', rest: 'x' }],
  ] as const)
    t.same(
      opened(
        path,
        destinations.map((destination) => ({
          ...bind(destination),
          ...(destination === '/proc' && { source: '/proc' }),
        })),
      ),
      expected,
      `${path} ${destinations}`,
    )
  t.same(
    opened('/a/b', [bind('/a'), bind('/a', 'remount', 'ro')]),
    { mount: 'bind /a', rest: 'b' },
    'a remount hides nothing',
  )
  t.end()
})

t.test('masks come before read-only paths', (t) => {
  const { plan } = planWith({ linux: { maskedPaths: ['/proc/a'], readonlyPaths: ['/proc'] } })
  const order = plan.containerSteps.flatMap(({ op, from }) =>
    op === 'move_mount' && from.startsWith('linux.') ? [from] : [],
  )
  t.same(order, ['linux.maskedPaths (/proc/a)', 'linux.readonlyPaths (/proc)'])
  t.end()
})

t.test('nothing undeclared is open where a mount is kept for the paths on it', (t) => {
  const { plan } = planWith({
    mounts: [bind('/a'), bind('/b')],
    linux: { maskedPaths: ['/a/x'], readonlyPaths: ['/b/y'] },
  })
  t.same(undeclared(plan), [])
  t.end()
})
