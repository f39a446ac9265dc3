import t from 'tap'
import type { DeviceRule } from '../../config/config.ts'
import { noResources } from '../../config/no-resources.ts'
import type { Problem } from '../../errors.ts'
import { devicesTransition, devicesWrites } from './devices.ts'

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

t.test('a later rule revokes an earlier one', (t) => {
  const lines = written([
    { allow: true, type: 'b', major: 8n, minor: 1n, access: 'rw' },
    { allow: false, type: 'b', major: 8n, minor: 1n, access: 'w' },
  ])
  t.equal(lines[1], 'devices.allow b 8:1 r')
  t.end()
})

t.test('rules that the kernel ignores silently are problems', (t) => {
  const problems: Problem[] = []
  written(
    [
      { allow: true, type: 'b', major: 8n, access: 'rw' },
      { allow: false, type: 'b', major: 8n, minor: 1n, access: 'w' },
    ],
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

t.test('no rules: the default devices', (t) => {
  t.equal(written([]).length, 1 + DEFAULT_COUNT)
  t.end()
})

t.test('a cgroup in use: only the differences, allowed before denied', (t) => {
  const current = written([DENY_ALL, { allow: true, type: 'b', major: 8n, minor: 1n, access: 'rw' }])
    .flatMap((line) => (line.startsWith('devices.allow ') ? [line.slice('devices.allow '.length)] : []))
    .join('\n')
  const changed = (devices: readonly DeviceRule[], text = current) =>
    devicesTransition({ ...noResources, devices }, `${text}\n`, []).map(({ file, data }) => `${file} ${data}`)
  t.same(changed([{ allow: true, type: 'b', major: 8n, minor: 1n, access: 'rw' }]), [])
  t.same(changed([{ allow: true, type: 'b', major: 8n, minor: 1n, access: 'rm' }]), [
    'devices.allow b 8:1 rm',
    'devices.deny b 8:1 w',
  ])
  t.same(changed([DENY_ALL]), ['devices.deny b 8:1 rw'])
  t.equal(changed([DENY_ALL], 'a *:* rwm').length, 1 + DEFAULT_COUNT, 'the exceptions of an open list cannot be seen')
  t.end()
})

function written(devices: readonly DeviceRule[], problems: Problem[] = []): string[] {
  return devicesWrites({ ...noResources, devices }, problems).map(({ file, data }) => `${file} ${data}`)
}
