/*
 * No mount namespace (config-linux.md, "Namespaces": types that are not listed are inherited): the container's mounts are on the host.
 * runtime.md, "delete": mounts that `create` made MUST be removed, earlier ones MUST stay.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, mountsWith, type Patch } from '../../harness/bundle.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const inHostMounts: Patch = {
  root: { path: 'rootfs', readonly: false },
  mounts: mountsWith({ destination: '/with space/a', type: 'tmpfs', source: 'own' }),
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts'].map((type) => ({ type })),
    maskedPaths: [],
    readonlyPaths: [],
  },
}

const below = ({ rootfs }: Bundle): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${rootfs}/`))
    .map((path) => path.slice(rootfs.length))

/** A mount that the caller has made in the root file system. */
function mountForeign(box: Box, { rootfs }: Bundle): void {
  const target = join(rootfs, 'var')
  mkdirSync(join(target, 'hidden'))
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), target])
  box.defer(() => spawnSync('umount', [target]))
}

scenario('MUST delete the resources that were created, mounts among them', {}, (t, box) => {
  const bundle = box.bundle({ ...inHostMounts, process: { args: ['true'] } })
  mountForeign(box, bundle)
  const id = box.id()
  const result = box.call(['create', '--bundle', bundle.dir, id])
  t.equal(result.status, 0, result.stderr)
  t.ok(below(bundle).includes('/dev/pts') && below(bundle).includes('/with\\040space/a'), 'they are on the host')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  t.same(below(bundle), ['/var'], 'MUST NOT delete what it has not created')
})

scenario('a create that fails leaves no mount on the host', {}, (t, box) => {
  const bundle = box.bundle({ ...inHostMounts, process: { args: ['no-such-program'] } })
  t.not(box.call(['run', '--bundle', bundle.dir, box.id()]).status, 0)
  t.same(below(bundle), [])
})

scenario('the end of run unmounts as well', {}, (t, box) => {
  const bundle = box.bundle({ ...inHostMounts, process: { args: ['sh', '-c', 'echo out; test -e /proc/1'] } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(result.stdout, 'out\n')
  t.same(below(bundle), [])
})
