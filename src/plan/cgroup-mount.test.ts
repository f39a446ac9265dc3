import t from 'tap'
import { MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME } from '../steps/constants.ts'
import { hybridHost } from './fixtures/hosts.ts'
import { planWith, stepsOf } from './fixtures/plan-of.ts'

t.test('access times of the mount of all hierarchies are cleared before they are set', (t) => {
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['noatime'] }]
  const steps = stepsOf(planWith({ mounts }, { host: hybridHost }), 'mount_setattr')
  t.match(
    steps.filter(({ from }) => from.startsWith('mounts[0]')),
    [{ set: MOUNT_ATTR_NOATIME, clear: MOUNT_ATTR__ATIME }],
  )
  t.end()
})
