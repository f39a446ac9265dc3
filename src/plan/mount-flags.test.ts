import t from 'tap'
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MS_NOATIME,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
} from './constants.ts'
import { planWith, stepsFrom } from './fixtures/plan-of.ts'
import { mountFlags } from './mount-flags.ts'

t.test('attributes of mount_setattr(2) as flags of mount(2)', (t) => {
  t.equal(mountFlags(0), MS_RELATIME)
  t.equal(mountFlags(MOUNT_ATTR_NOATIME), MS_NOATIME)
  const restricted =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW
  t.equal(mountFlags(restricted), MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_RELATIME)
  t.end()
})

t.test('a mount whose options are too long for fsconfig(2) has its attributes from the start', (t) => {
  const data = `lowerdir=${'/layer'.repeat(60)}`
  const mount = { destination: '/o', type: 'overlay', source: 'overlay', options: ['ro', 'nosuid', data] }
  t.match(
    stepsFrom(planWith({ mounts: [mount], linux: { maskedPaths: [], readonlyPaths: [] } }), 'mounts[0]'),
    [
      { op: 'openat2', path: '/o' },
      { op: 'fchdir' },
      { op: 'mount', target: '.', flags: MS_RDONLY | MS_NOSUID | MS_RELATIME, data },
      { op: 'close' },
    ],
    'its path, which may lead somewhere else by then, is not opened again',
  )
  t.end()
})
