/*
 * Cgroups that root has delegated to an unprivileged user (cgroups(7), "Delegation"): on v1 a directory whose files still belong to root.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CgroupMount, cgroupMounts, cgroups } from '../../harness/census.ts'
import { cgroupRoot } from '../../harness/cgroup.ts'
import { callAs, delegate, needsUser, rootlessBundle, shell } from '../../harness/ordinary-user.ts'
import { either, needsV1 } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const skip = either(needsUser(), needsV1('cpuset'))
const unified = cgroupMounts().find(({ controllers }) => controllers === '')
const v1 = cgroupMounts().filter(({ controllers }) => controllers !== '')

for (const handsDown of ['1', '0']) {
  scenario(`v1: cgroup.clone_children, which the user cannot write, is ${handsDown}`, { skip }, (t, box) => {
    const above = delegate(box, ({ controllers }) => controllers !== '')
    writeFileSync(join(cgroupRoot('cpuset'), above, 'cgroup.clone_children'), handsDown)
    for (const { dir } of v1) box.defer(() => rmdirSync(join(dir, above, 'a')))
    const dir = rootlessBundle(box, {
      ...shell('cat /proc/self/cgroup'),
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      ],
      linux: { cgroupsPath: `${above}/a/b`, resources: { pids: { limit: 20 } } },
    })
    const result = callAs(box, ['run', '--bundle', dir, box.id()])
    t.equal(result.status, 0, result.stderr)
    for (const { controllers } of v1) t.match(result.stdout, `:${controllers}:${above}/a/b\n`)
    t.match(callAs(box, ['run', '--bundle', dir, box.id()]), { status: 0 }, 'where the parent is there already')
    const left = cgroups(above).map((path) => path.slice(path.indexOf(above) + above.length))
    t.same([...new Set(left)].sort(), ['', '/a'], 'the container’s cgroups are gone, their parents stay')
  })
}

const hybrid = either(skip, unified === undefined ? 'no v2 tree beside v1' : false)
const isLegacy = ({ controllers }: CgroupMount): boolean => controllers !== ''
const ownDirectories = 'for d in /sys/fs/cgroup/*; do test -L $d || echo $d; done'

scenario('hybrid: with only v1 delegated, the cgroup mount shows both trees', { skip: hybrid }, (t, box) => {
  const above = delegate(box, isLegacy)
  const look = `cat /proc/self/cgroup; ls /sys/fs/cgroup/pids/cgroup.procs /sys/fs/cgroup/unified/cgroup.procs; mkdir /sys/fs/cgroup/unified/new`
  const dir = rootlessBundle(box, { ...shell(look), linux: { cgroupsPath: `${above}/a` } })
  const result = callAs(box, ['run', '--bundle', dir, box.id()])
  for (const { controllers } of v1) t.match(result.stdout, `:${controllers}:${above}/a\n`, result.stderr)
  t.match(result.stdout, /^0::\/$/m)
  t.match(result.stdout, /pids\/cgroup.procs\n.*unified\/cgroup.procs\n$/)
  t.match(result.stderr, /unified\/new.*Read-only/)
})

scenario('hybrid: with only v2 delegated, the container stays in the caller’s cgroups', { skip: hybrid }, (t, box) => {
  delegate(box, (mount) => !isLegacy(mount))
  const result = callAs(box, ['run', '--bundle', rootlessBundle(box, shell('cat /proc/self/cgroup')), box.id()])
  t.match(result, { status: 0, stdout: /^0::\/$/m, stderr: '' })
})

scenario(
  'if another user owns the cgroup of its name, the container stays in the caller’s cgroups',
  { skip: hybrid },
  (t, box) => {
    const id = box.id()
    const foreign = join(unified?.dir ?? '', id)
    mkdirSync(foreign)
    box.defer(() => rmdirSync(foreign))
    const dir = rootlessBundle(box, shell('cat /proc/self/cgroup; sleep 1000'))
    const created = callAs(box, ['run', '--detach', '--bundle', dir, id])
    t.match(created, { status: 0, stderr: '' })
    t.match(callAs(box, ['exec', id, 'cat', '/proc/self/cgroup']), { status: 0, stdout: /^0::\/$/m })
    t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
    t.notMatch(created.later().stdout, id)
    t.ok(existsSync(foreign), 'the cgroup stays')
  },
)

scenario('a cgroup of another user is an error with limits or a cgroupsPath', { skip: hybrid }, (t, box) => {
  for (const linux of [{ resources: { pids: { limit: 9 } } }, { cgroupsPath: '/nobody’s' }] as const) {
    const result = callAs(box, ['run', '--bundle', rootlessBundle(box, { linux }), box.id()])
    t.match(result, { status: 1, stderr: /linux.cgroupsPath: .*EACCES.*delegated/ })
  }
})

scenario(
  'without a cgroup of its own a container sees the caller’s cgroup read-only',
  { skip: needsUser() },
  (t, box) => {
    const look = `${ownDirectories}; cd /sys/fs/cgroup; f=$(ls -d cgroup.procs */cgroup.procs | head -n1); wc -l <$f; echo $$ >$f; mkdir $(dirname $f)/new`
    const result = callAs(box, ['run', '--bundle', rootlessBundle(box, shell(look)), box.id()])
    const [lines = '0', ...shown] = result.stdout.trim().split('\n').reverse()
    if (needsV1('pids') === false) t.equal(shown.length, cgroupMounts().length, 'a directory for each hierarchy')
    t.ok(Number(lines) > 0, 'the processes there')
    t.equal(result.stderr.match(/Read-only file system/g)?.length, 2, result.stderr)
  },
)
