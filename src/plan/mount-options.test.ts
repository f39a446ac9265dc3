import t from 'tap'
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
} from './constants.ts'
import { knownMountOptions, type MountOptions, readMountOptions } from './mount-options.ts'

const nothing: MountOptions = {
  bind: 'no',
  remount: false,
  tmpcopyup: false,
  idmap: 'no',
  attributes: { set: 0, clear: 0 },
  recursiveAttributes: { set: 0, clear: 0 },
  propagation: [],
  data: [],
}

const cases: Readonly<Record<string, [readonly string[], Partial<MountOptions>]>> = {
  nothing: [[], {}],
  'options without an effect of their own': [['defaults', 'iversion', 'loud', 'silent', 'nomand'], {}],
  'attributes of the mount': [
    ['ro', 'nosuid', 'nodev', 'noexec', 'nosymfollow'],
    {
      attributes: {
        set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW,
        clear: 0,
      },
    },
  ],
  'the last of two that contradict each other wins': [
    ['ro', 'nosuid', 'rw', 'suid'],
    { attributes: { set: 0, clear: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID } },
  ],
  'and the other way round': [['rw', 'ro'], { attributes: { set: MOUNT_ATTR_RDONLY, clear: 0 } }],
  'one way of access times replaces another': [
    ['noatime', 'strictatime'],
    { attributes: { set: MOUNT_ATTR_STRICTATIME, clear: MOUNT_ATTR__ATIME } },
  ],
  'relatime is the kernel’s default': [['noatime', 'relatime'], { attributes: { set: 0, clear: MOUNT_ATTR__ATIME } }],
  'recursive attributes stand by themselves': [
    ['rro', 'nosuid', 'rnoatime'],
    {
      attributes: { set: MOUNT_ATTR_NOSUID, clear: 0 },
      recursiveAttributes: { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME, clear: MOUNT_ATTR__ATIME },
    },
  ],
  'propagation, in order': [
    ['rslave', 'shared', 'private'],
    {
      propagation: [
        { flag: MS_SLAVE, recursive: true },
        { flag: MS_SHARED, recursive: false },
        { flag: MS_PRIVATE, recursive: false },
      ],
    },
  ],
  bind: [['bind'], { bind: 'bind' }],
  rbind: [['rbind'], { bind: 'rbind' }],
  idmap: [['bind', 'idmap'], { bind: 'bind', idmap: 'idmap' }],
  ridmap: [['rbind', 'ridmap'], { bind: 'rbind', idmap: 'ridmap' }],
  remount: [['remount', 'ro'], { remount: true, attributes: { set: MOUNT_ATTR_RDONLY, clear: 0 } }],
  tmpcopyup: [['tmpcopyup'], { tmpcopyup: true }],
  'flags of the file system': [['sync', 'dirsync', 'lazytime'], { data: ['sync', 'dirsync', 'lazytime'] }],
  'what only the file system knows, in order': [
    ['size=64k', 'mode=1777', 'newinstance', 'rw,odd', 'relatime=1', 'rsize=4096'],
    { data: ['size=64k', 'mode=1777', 'newinstance', 'rw,odd', 'relatime=1', 'rsize=4096'] },
  ],
  'names are not looked up in prototypes': [['constructor', 'rtoString'], { data: ['constructor', 'rtoString'] }],
}

for (const [name, [options, expected]] of Object.entries(cases)) {
  t.test(name, (t) => {
    t.strictSame(readMountOptions(options), { ...nothing, ...expected })
    t.end()
  })
}

t.test('every option of the spec’s table is known', (t) => {
  const spec = `async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec
    noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime
    remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate
    rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid
    symfollow sync tmpcopyup unbindable idmap ridmap`
  const known = knownMountOptions()
  t.same(
    spec.split(/\s+/).filter((option) => !known.includes(option)),
    [],
  )
  t.same(known, [...known].sort(), 'in order')
  t.equal(new Set(known).size, known.length, 'each once')
  t.end()
})
