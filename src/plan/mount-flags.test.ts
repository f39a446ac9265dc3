import t from 'tap'
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
  MS_STRICTATIME,
} from '../steps/constants.ts'
import { planWith, stepsFrom } from './fixtures/plan-of.ts'
import { changedAttributes, exactAttributes, joinFlags, type MountFlags, newMountAttributes } from './mount-flags.ts'

const of = (set: number, clear = 0): MountFlags => ({ set, clear })
const restrictions =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW

t.test('a new mount', (t) => {
  t.equal(newMountAttributes(of(0)), 0)
  t.equal(newMountAttributes(of(MS_RDONLY | MS_NOSYMFOLLOW)), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSYMFOLLOW)
  t.equal(newMountAttributes(of(MS_RELATIME | MS_NODIRATIME)), MOUNT_ATTR_NODIRATIME)
  t.equal(newMountAttributes(of(MS_RELATIME | MS_NOATIME)), MOUNT_ATTR_NOATIME, 'noatime wins over relatime')
  t.equal(newMountAttributes(of(MS_STRICTATIME | MS_NOATIME)), MOUNT_ATTR_STRICTATIME, 'strictatime over noatime')
  t.end()
})

t.test('a bind mount has exactly its flags', (t) => {
  t.same(exactAttributes(of(0), false), { set: 0, clear: restrictions }, 'access times are left alone')
  t.same(exactAttributes(of(MS_RDONLY), false), { set: MOUNT_ATTR_RDONLY, clear: restrictions & ~MOUNT_ATTR_RDONLY })
  t.same(
    exactAttributes(of(MS_NODIRATIME), false),
    { set: MOUNT_ATTR_NODIRATIME, clear: restrictions | MOUNT_ATTR__ATIME },
    'one of their flags decides all of them',
  )
  t.same(exactAttributes(of(MS_NOATIME), false), {
    set: MOUNT_ATTR_NOATIME,
    clear: restrictions | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME,
  })
  t.same(
    exactAttributes(of(MS_RDONLY, MS_NOSUID), true),
    { set: MOUNT_ATTR_RDONLY, clear: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOSYMFOLLOW },
    'in a user namespace only what is taken back by name',
  )
  t.end()
})

t.test('a remount changes only the named flags', (t) => {
  t.same(changedAttributes(of(0)), { set: 0, clear: 0 })
  t.same(changedAttributes(of(MS_RDONLY, MS_NOSUID)), { set: MOUNT_ATTR_RDONLY, clear: MOUNT_ATTR_NOSUID })
  t.same(changedAttributes(of(MS_NODIRATIME)), { set: MOUNT_ATTR_NODIRATIME, clear: 0 })
  t.same(changedAttributes(of(0, MS_NODIRATIME)), { set: 0, clear: MOUNT_ATTR_NODIRATIME })
  t.same(changedAttributes(of(MS_STRICTATIME)), { set: MOUNT_ATTR_STRICTATIME, clear: MOUNT_ATTR__ATIME })
  t.same(changedAttributes(of(0, MS_NOATIME)), { set: 0, clear: MOUNT_ATTR__ATIME }, 'relatime comes back')
  t.same(changedAttributes(of(0, MS_RELATIME)), { set: 0, clear: 0 }, 'the default cannot be taken back')
  t.end()
})

t.test('the recursive options of a mount with nothing below it are its own, after the others', (t) => {
  t.same(joinFlags(of(MS_RDONLY), of(MS_NOSUID, MS_RDONLY)), of(MS_NOSUID, MS_RDONLY))
  t.same(joinFlags(of(MS_STRICTATIME), of(MS_NOATIME)), of(MS_NOATIME))
  t.same(joinFlags(of(MS_NOATIME), of(0, MS_RELATIME)), of(MS_NOATIME, MS_RELATIME))
  t.end()
})

t.test('a mount whose options are too long for fsconfig(2) has its attributes from the start', (t) => {
  const data = `lowerdir=${'/layer'.repeat(60)}`
  const mount = { destination: '/o', type: 'overlay', source: 'overlay', options: ['ro', 'rnosuid', data] }
  t.match(
    stepsFrom(planWith({ mounts: [mount], linux: { maskedPaths: [], readonlyPaths: [] } }), 'mounts[0]'),
    [
      { op: 'openat2', path: '/o' },
      { op: 'fchdir' },
      { op: 'mount', target: '.', flags: MS_RDONLY | MS_NOSUID, data },
      { op: 'close' },
    ],
    'its path, which may lead somewhere else by then, is not opened again',
  )
  t.end()
})
