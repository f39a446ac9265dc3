/*
 * crun's options for symbolic links at the ends of a bind mount (docs/spec-choices.md, "Mount options"); Podman's `no-dereference` uses the first.
 */
import { readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../../harness/bundle.ts'
import { bind, prints, refused, tmpfs } from '../../harness/mounts.ts'
import { scenario } from '../../harness/scenario.ts'

const noLinks = { runc: 'does not know the options', crun: '1.8.1 does not know them yet' }

scenario('copy-symlink copies the link that the source is', { peers: noLinks }, (t, box) => {
  const link = join(box.dir, 'link')
  symlinkSync('../some/where', link)
  const file = join(box.dir, 'file')
  writeFileSync(file, 'a file\n')
  const user = {
    namespaces: ['pid', 'mount', 'ipc', 'uts', 'network', 'user'].map((type) => ({ type })),
    uidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
    gidMappings: [{ containerID: 0, hostID: 0, size: 1000 }],
  }
  const mounts = [bind('/a/b/l', link, 'rbind', 'copy-symlink'), bind('/a/f', file, 'bind', 'copy-symlink')]
  prints(t, box, 'readlink /a/b/l; cat /a/f', '../some/where\na file', mounts)
  prints(t, box, 'readlink /a/b/l; cat /a/f', '../some/where\na file', mounts, { linux: user })
  prints(
    t,
    box,
    'readlink /l',
    '../some/where',
    [mounts[0], mounts[0]].map((m) => ({ ...m, destination: '/l' })),
  )
  refused(t, box, [bind('/etc/passwd', link, 'bind', 'copy-symlink')], /mounts\[7\].*symlinkat.*EEXIST.*something else/)
  refused(t, box, [bind('/', link, 'bind', 'copy-symlink')], /mounts\[7\].*destination/)
})

scenario('src-nofollow and dest-nofollow: links themselves', { peers: noLinks }, (t, box) => {
  const link = join(box.dir, 'link')
  symlinkSync('/etc/group', link)
  const file = join(box.dir, 'file')
  writeFileSync(file, 'a file\n')
  prints(t, box, 'readlink /run/l; cat /run/f', '/etc/group\na file', [
    bind('/run/l', link, 'bind', 'src-nofollow'),
    bind('/run/f', file, 'bind', 'src-nofollow', 'dest-nofollow'),
  ])
  const bundle = box.bundle({
    process: { args: ['/bin/cat', '/etc/link', '/etc/passwd'] },
    mounts: mountsWith(bind('/etc/link', file, 'bind', 'dest-nofollow')),
  })
  symlinkSync('passwd', join(bundle.rootfs, 'etc/link'))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.match(result.stdout, /^a file\nroot:/, `what the link leads to is not covered: ${result.stderr}`)
  t.equal(readlinkSync(join(bundle.rootfs, 'etc/link')), 'passwd')
  const other = box.bundle({ mounts: mountsWith(bind('/p/exe', file, 'bind', 'dest-nofollow')) }, { name: 'other' })
  symlinkSync('proc/self', join(other.rootfs, 'p'))
  const { status, stderr } = box.call(['run', '--bundle', other.dir, box.id()])
  t.equal(status, 1, 'a way of the image to a link of procfs')
  t.match(stderr, /mounts\[7\].*ELOOP.*procfs/)
  refused(t, box, [bind('/run/l', '/proc/self/cwd', 'bind', 'src-nofollow')], /mounts\[7\].*ELOOP.*procfs/)
})

scenario('options for links that contradict each other, or a mount that has none', { peers: noLinks }, (t, box) => {
  refused(
    t,
    box,
    [bind('/x', '/etc', 'bind', 'copy-symlink', 'src-nofollow')],
    /mounts\[7\]\.options\[2\]: src-nofollow contradicts/,
  )
  refused(
    t,
    box,
    [bind('/x', '/etc', 'dest-nofollow', 'bind', 'copy-symlink')],
    /mounts\[7\]\.options\[0\]: dest-nofollow contra/,
  )
  for (const option of ['copy-symlink', 'src-nofollow', 'dest-nofollow'])
    refused(
      t,
      box,
      [tmpfs('/x', 'ro', option)],
      new RegExp(`mounts\\[7\\]\\.options\\[1\\]: ${option} is for bind mounts only`),
    )
})
