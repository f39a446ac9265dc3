/*
 * Mount options other than flags (docs/spec-choices.md, "Mount options"): empty ones, several in one, rbind with bind, recursive ones,
 * cgroup mounts, and what is refused. mount-option-pairs.test.ts tests the flags.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith, mountsWithout } from '../../harness/bundle.ts'
import { bind, mount, prints, refused, tmpfs } from '../../harness/mounts.ts'
import { runProbe } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const tree = (box: Box): string => {
  const source = join(box.dir, 'tree')
  mkdirSync(join(source, 'below'), { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', 'below', join(source, 'below')])
  box.defer(() => spawnSync('umount', [join(source, 'below')]))
  writeFileSync(join(source, 'below/file'), 'below\n')
  return source
}

scenario('an empty option is none', {}, (t, box) => {
  const source = tree(box)
  const inside = runProbe(t, box, ['file:/proc/self/mountinfo'], {
    mounts: mountsWith(
      tmpfs('/run/a', 'nosuid', ''),
      tmpfs('/run/b', ''),
      bind('/run/c', source, '', 'rbind', '', 'ro'),
      mount('mqueue', '/run/d', 'mqueue', ''),
      { destination: '/run/b', options: ['remount', '', 'noexec'] },
    ),
  })
  const flags = (path: string) =>
    inside
      .mounts()
      .find(({ target }) => target === path)
      ?.options.join()
  t.equal(flags('/run/a'), 'rw,nosuid,relatime')
  t.equal(flags('/run/b'), 'rw,noexec,relatime')
  t.equal(flags('/run/c'), 'ro,relatime')
  t.ok(flags('/run/c/below') && flags('/run/d'))
  t.notMatch(inside.result.stderr, /options/, 'nothing is said of it')
})

scenario('an option may hold several of the file system', {}, (t, box) => {
  prints(t, box, 'stat -c %a /run/a; grep " /run/a " /proc/self/mountinfo | grep -o size=1024k', '700\nsize=1024k', [
    tmpfs('/run/a', 'size=1m,mode=700,,'),
  ])
})

scenario('rbind stays recursive beside bind, in any order, as CRI-O has it', {}, (t, box) => {
  const source = tree(box)
  prints(t, box, 'cat /run/?/below/file', 'below\nbelow\nbelow', [
    bind('/run/a', source, 'rbind', 'rprivate', 'ro', 'bind'),
    bind('/run/b', source, 'rbind', 'bind'),
    bind('/run/c', source, 'bind', 'rbind'),
  ])
})

scenario(
  'recursive options of a new file system are its own',
  { peers: { runc: 'ignores them', crun: 'is too early' } },
  (t, box) => {
    prints(t, box, 'cat /run/a/b/file; touch /run/a/x 2>/dev/null || echo read-only', 'below\nread-only', [
      tmpfs('/run/a', 'rro'),
      bind('/run/a/b', join(tree(box), 'below'), 'bind'),
    ])
  },
)

scenario(
  'a cgroup mount has the flags, the recursive ones and the propagation of its options',
  { peers: { runc: 'only ro', crun: 'only the plain ones' } },
  (t, box) => {
    const cgroup = mount('cgroup', '/sys/fs/cgroup', 'cgroup', 'noexec', 'rro', 'rnosuid', 'strictatime', 'rshared')
    const inside = runProbe(t, box, ['file:/proc/self/mountinfo'], {
      mounts: [...mountsWithout('/sys/fs/cgroup'), cgroup],
    })
    const mounts = inside.mounts().filter(({ target }) => target.startsWith('/sys/fs/cgroup'))
    t.ok(mounts.length > 0)
    for (const { target, options, propagation } of mounts) {
      t.same(options, ['ro', 'nosuid', 'noexec'], target)
      t.same(propagation, ['shared'], target)
    }
  },
)

scenario(
  'an unknown option of the file system is an error that names its index',
  { peers: { runc: 'EINVAL', crun: 'EINVAL' } },
  (t, box) => {
    for (const [option, message] of [
      ['nosuch', /nosuch: EINVAL.*Unknown parameter 'nosuch'/],
      ['size=much', /size=much: EINVAL.*Bad value for 'size'/],
      ['rsync', /rsync: EINVAL.*Unknown parameter/],
      ['size=1m,odd', /odd: EINVAL.*Unknown parameter 'odd'/],
      ['RO', /RO: EINVAL.*Unknown parameter/],
    ] as const)
      refused(t, box, [tmpfs('/x', 'ro', '', option)], /mounts\[7\]\.options\[2\] \(tmpfs at \/x\): fsconfig /, message)
    refused(t, box, [mount('proc', '/run/p', 'proc', 'hidepid=x')], /mounts\[7\]\.options\[0\].*hidepid/)
    refused(t, box, [bind('/x', '/etc', 'bind', 'idmap')], /mounts\[7\]\.options\[1\]: needs uidMappings/)
    refused(t, box, [bind('/x', '/etc', 'remount', 'bind')], /mounts\[7\].*openat2.*ENOENT/)
  },
)

scenario('a device path with a slash behind it', { peers: { crun: 'ENOENT' } }, (t, box) => {
  const device = { path: '/dev//sub/./zero2/', type: 'c', major: 1, minor: 5 }
  prints(t, box, 'stat -c %F /dev/sub/zero2', 'character special file', [], { linux: { devices: [device] } })
})
