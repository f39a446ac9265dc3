/*
 * The cgroup mount (config-linux.md, "Default Filesystems", "Cgroup ownership"; cgroup_namespaces(7)): a container only sees its own
 * part of the hierarchies, with and without a cgroup namespace, and can write there if the mount is writable.
 */
import { defaultConfig, type Json, mountsWithout } from '../../harness/bundle.ts'
import { needsController, needsV2 } from '../../harness/requires.ts'
import { type Box, type Result, scenario } from '../../harness/scenario.ts'

const skip = needsController('pids')
/** The container's path of the hierarchy with the pids controller. */
const inside = needsV2() === false ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids'

const namespaces = (more: readonly string[]): readonly Json[] =>
  ['pid', 'network', 'ipc', 'uts', 'mount', ...more].map((type) => ({ type }))

function run(box: Box, command: string, own: readonly string[], access: 'ro' | 'rw'): Result {
  const id = box.id()
  const cgroup = { ...defaultConfig.mounts.at(-1), options: ['nosuid', 'noexec', 'nodev', 'relatime', access] }
  const bundle = box.bundle(
    {
      process: { args: ['sh', '-c', command] },
      mounts: [...mountsWithout('/sys/fs/cgroup'), cgroup],
      linux: {
        cgroupsPath: `/${id}`,
        namespaces: namespaces(own),
        resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 37 } },
      },
    },
    { name: id },
  )
  return box.call(['run', '--bundle', bundle.dir, id])
}

for (const own of [[], ['cgroup']] as const) {
  const title = own.length === 0 ? 'without a cgroup namespace' : 'with a cgroup namespace'

  scenario(`${title} the mount shows the container’s cgroup`, { skip }, (t, box) => {
    const seen = run(box, `cat ${inside}/pids.max; cat /proc/self/cgroup; ls ${inside}`, own, 'ro')
    t.equal(seen.status, 0, seen.stderr)
    const [max, ...lines] = seen.stdout.trim().split('\n')
    t.equal(max, '37', 'its limit')
    const paths = lines.flatMap((line) => /^\d+:[^:]*:(.*)$/.exec(line)?.[1] ?? [])
    t.ok(paths.length > 0)
    if (own.length > 0)
      t.ok(
        paths.every((path) => path === '/'),
        paths.join(),
      )
    else
      t.ok(
        paths.some((path) => path.includes('runttest')),
        paths.join(),
      )
    t.notMatch(lines.join(' '), /system\.slice|init\.scope|docker/, 'nothing of the host’s')
  })

  scenario(`${title}, read-only: nothing can be changed`, { skip }, (t, box) => {
    const result = run(box, `echo 5 >${inside}/pids.max; mkdir ${inside}/new; echo $?`, own, 'ro')
    t.equal(result.stdout, '1\n')
    t.equal(result.stderr.match(/Read-only file system/g)?.length, 2, result.stderr)
  })

  scenario(`${title}, writable: cgroups of its own, which go with it`, { skip }, (t, box) => {
    const command = `set -e; mkdir ${inside}/new; echo $$ >${inside}/new/cgroup.procs; cat /proc/self/cgroup`
    const result = run(box, command, own, 'rw')
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, /:(pids)?:\/.*new$/m)
  })
}
