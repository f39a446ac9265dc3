import t from 'tap'
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
} from '../steps/constants.ts'
import { knownMountOptions, type MountOptions, readMountOptions } from './mount-options.ts'

const nothing: MountOptions = {
  bind: 'no',
  remount: false,
  tmpcopyup: false,
  idmap: 'no',
  links: [],
  flags: { set: 0, clear: 0 },
  recursiveFlags: { set: 0, clear: 0 },
  hasFlags: false,
  propagation: [],
  data: [],
}
const flags = (set: number, clear = 0) => ({ flags: { set, clear }, hasFlags: true })
const data = (...texts: string[]) => ({ data: texts.map((text, index) => ({ text, index })) })

const cases: Readonly<Record<string, [readonly string[], Partial<MountOptions>]>> = {
  nothing: [[], {}],
  'empty ones are none, and keep the numbers of the others': [
    ['', 'size=1k', '', 'x'],
    {
      data: [
        { text: 'size=1k', index: 1 },
        { text: 'x', index: 3 },
      ],
    },
  ],
  defaults: [['defaults'], {}],
  'flags that do nothing to a mount': [['iversion', 'loud', 'silent', 'nomand'], { hasFlags: true }],
  'flags of the mount': [
    ['ro', 'nosuid', 'nodev', 'noexec', 'nosymfollow', 'nodiratime'],
    flags(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NODIRATIME),
  ],
  'the last of two that contradict each other wins': [['ro', 'nosuid', 'rw', 'suid'], flags(0, MS_RDONLY | MS_NOSUID)],
  'and the other way round': [['rw', 'ro'], flags(MS_RDONLY)],
  'the flags of access times add up': [['noatime', 'strictatime'], flags(MS_NOATIME | MS_STRICTATIME)],
  'and are taken back one by one': [
    ['noatime', 'strictatime', 'nostrictatime', 'norelatime'],
    flags(MS_NOATIME, MS_STRICTATIME | MS_RELATIME),
  ],
  'recursive flags stand by themselves': [
    ['rro', 'nosuid', 'rnoatime', 'rnorelatime'],
    { ...flags(MS_NOSUID), recursiveFlags: { set: MS_RDONLY | MS_NOATIME, clear: MS_RELATIME } },
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
  'rbind with bind, as CRI-O has it': [['rbind', 'ro', 'bind'], { bind: 'rbind', ...flags(MS_RDONLY) }],
  'bind with rbind': [['bind', 'rbind'], { bind: 'rbind' }],
  'links at the ends of a bind mount': [
    ['bind', 'copy-symlink', 'src-nofollow', 'dest-nofollow'],
    { bind: 'bind', links: ['copy-symlink', 'src-nofollow', 'dest-nofollow'] },
  ],
  idmap: [['bind', 'idmap'], { bind: 'bind', idmap: 'idmap' }],
  ridmap: [['rbind', 'ridmap'], { bind: 'rbind', idmap: 'ridmap' }],
  remount: [['remount', 'ro'], { remount: true, ...flags(MS_RDONLY) }],
  tmpcopyup: [['tmpcopyup'], { tmpcopyup: true }],
  'flags of the file system': [
    ['sync', 'dirsync', 'lazytime'],
    { ...data('sync', 'dirsync', 'lazytime'), hasFlags: true },
  ],
  'what only the file system knows, in order': [
    ['size=64k', 'mode=1777', 'newinstance', 'rw,odd', 'relatime=1', 'rsize=4096'],
    data('size=64k', 'mode=1777', 'newinstance', 'rw,odd', 'relatime=1', 'rsize=4096'),
  ],
  'names are not looked up in prototypes': [['constructor', 'rtoString'], data('constructor', 'rtoString')],
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
