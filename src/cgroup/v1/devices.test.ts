import t from 'tap'
import type { DeviceRule } from '../../config/config.ts'
import type { Problem } from '../../errors.ts'
import { noResources } from '../test-resources.ts'
import type { Purpose } from '../write.ts'
import { devicesWrites } from './devices.ts'

const DENY_ALL: DeviceRule = { allow: false, access: 'rwm' }
const DEFAULT_COUNT = 11

t.test(
  'the config has deny all and Docker repeats the default devices: each is written once, the config first',
  (t) => {
    const lines = written([
      DENY_ALL,
      { allow: true, type: 'c', major: 1n, minor: 5n, access: 'rwm' },
      { allow: true, type: 'c', major: 10n, minor: 229n, access: 'rw' },
      { allow: true, type: 'c', major: 10n, minor: 229n, access: 'm' },
      { allow: true, type: 'c', major: -1n, minor: -1n, access: 'm' },
    ])
    t.same(lines.slice(0, 4), [
      'devices.deny a',
      'devices.allow c 1:5 rwm',
      'devices.allow c 10:229 rwm',
      'devices.allow c *:* m',
    ])
    t.equal(lines.length, 1 + DEFAULT_COUNT + 1)
    t.end()
  },
)

t.test('a privileged container: one write', (t) => {
  t.same(written([DENY_ALL, { allow: true, access: 'rwm' }]), ['devices.allow a'])
  t.end()
})

t.test('everything but one device', (t) => {
  const lines = written([
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', major: 8n, access: 'w' },
  ])
  t.same(lines, ['devices.allow a', 'devices.deny b 8:* w'])
  t.end()
})

t.test('a later rule takes back what an earlier one gave', (t) => {
  const lines = written([
    { allow: true, type: 'b', major: 8n, minor: 1n, access: 'rw' },
    { allow: false, type: 'b', major: 8n, minor: 1n, access: 'w' },
  ])
  t.equal(lines[1], 'devices.allow b 8:1 r')
  t.end()
})

t.test('what the kernel would ignore in silence is a problem', (t) => {
  const problems: Problem[] = []
  written(
    [
      { allow: true, type: 'b', major: 8n, access: 'rw' },
      { allow: false, type: 'b', major: 8n, minor: 1n, access: 'w' },
    ],
    'create',
    problems,
  )
  t.same(problems, [
    {
      path: 'linux.resources.devices[1]',
      message: 'cgroup v1 cannot make an exception (b 8:1 w) to a wider rule (b 8:* rw)',
    },
  ])
  t.end()
})

t.test('update without rules touches nothing', (t) => {
  t.same(written([], 'update'), [])
  t.equal(written([], 'create').length, 1 + DEFAULT_COUNT)
  t.end()
})

function written(devices: readonly DeviceRule[], purpose: Purpose = 'create', problems: Problem[] = []): string[] {
  return devicesWrites({ ...noResources, devices }, purpose, problems).map(({ file, data }) => `${file} ${data}`)
}
