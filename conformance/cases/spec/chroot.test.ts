/*
 * The runtime in a chroot. Its root directory must be a mount point, or the container's mount namespace cannot be made independent of the
 * host's, and pivot_root(2) fails: runc and crun fail as well.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, type CallOptions, scenario } from '../../harness/scenario.ts'

/** All of them: the checkout and the program under test may lie below any. */
const directories = readdirSync('/').filter((name) => statSync(`/${name}`, { throwIfNoEntry: false })?.isDirectory())

/** Calls the runtime in a mount namespace with such a root: the host's file systems, below a directory. */
function inChroot(box: Box, kind: 'directory' | 'mount point'): CallOptions {
  const root = join(box.dir, `root-${box.id()}`)
  mkdirSync(root)
  const script = [
    kind === 'directory' ? 'true' : `mount --bind ${root} ${root}`,
    ...directories.map((name) => `mkdir '${root}/${name}' && mount --rbind '/${name}' '${root}/${name}'`),
    `exec chroot ${root} "$@"`,
  ].join(' && ')
  return { wrap: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh'] }
}

scenario('in a chroot whose root directory is a mount point', {}, (t, box) => {
  const bundle = box.bundle({ process: { args: ['echo', 'hello'] } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()], inChroot(box, 'mount point'))
  t.equal(result.stdout, 'hello\n', result.stderr)
})

scenario('in a chroot whose root directory is a plain one: the reason is named', {}, (t, box) => {
  const reason =
    /: linux\.namespaces\[4\] \(mount\): mount_setattr \/: EINVAL \(.*\); the root directory is no mount point, as in a chroot/
  for (const linux of [{}, { rootfsPropagation: 'shared' }]) {
    const bundle = box.bundle({ linux }, { name: box.id() })
    for (const more of [[], ['--no-pivot']]) {
      const result = box.call(['run', ...more, '--bundle', bundle.dir, box.id()], inChroot(box, 'directory'))
      t.equal(result.status, 1)
      t.match(result.stderr, reason)
    }
  }
})
