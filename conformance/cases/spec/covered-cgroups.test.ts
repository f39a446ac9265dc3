/*
 * A mount namespace in which another mount covers /sys/fs/cgroup, or a hierarchy below it, as in a nested container:
 * proc_pid_mountinfo(5) also lists covered mounts, but only visible ones can be used.
 */
import { cgroupMounts } from '../../harness/census.ts'
import { rootlessBundle, shell, wrap as toUser } from '../../harness/ordinary-user.ts'
import { either, needsCommand, needsV1, type Skip } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const unified = cgroupMounts().find(({ controllers }) => controllers === '')?.dir
const needsHybrid = (): Skip => either(needsV1('memory'), unified === undefined ? 'no v2 tree beside v1' : false)

/** A command that creates a mount namespace, mounts something in it, and executes the runtime there. */
const covering = (mount: string): readonly string[] => ['unshare', '-m', 'sh', '-c', `${mount} && exec "$@"`, 'sh']

const joined = (box: Box, wrap: readonly string[]) => {
  const id = box.id()
  const { dir } = box.bundle({ process: { args: ['cat', '/proc/self/cgroup'] } }, { name: id })
  const result = box.call(['run', '--bundle', dir, id], { wrap })
  return { ...result, lines: result.stdout.split('\n').filter((line) => line.endsWith(`/${id}`)) }
}

scenario('v1 covered by the v2 tree: the container only uses v2', { skip: needsHybrid() }, (t, box) => {
  const wrap = covering(`mount --bind ${unified} /sys/fs/cgroup`)
  const { status, lines, stderr } = joined(box, wrap)
  t.match({ status, stderr }, { status: 0, stderr: '' })
  t.equal(lines.length, 1)
  t.match(lines[0], /^0::/)
  const id = box.id()
  const { dir } = box.bundle({ process: { args: ['sleep', '1000'] } })
  t.match(box.call(['run', '--detach', '--bundle', dir, id], { wrap }), { status: 0, stderr: '' })
  t.match(box.call(['exec', id, 'cat', '/proc/self/cgroup'], { wrap }), {
    status: 0,
    stdout: new RegExp(`^0::/${id}$`, 'm'),
  })
  t.match(box.call(['pause', id], { wrap }), { status: 0, stderr: '' })
  t.match(box.call(['resume', id], { wrap }), { status: 0, stderr: '' })
  t.match(box.call(['delete', '--force', id], { wrap }), { status: 0, stderr: '' })
})

scenario(
  'one hierarchy is covered: the others are used, and its limits are an error',
  { skip: needsHybrid() },
  (t, box) => {
    const wrap = covering('mount -t tmpfs none /sys/fs/cgroup/memory')
    const { status, lines, stderr } = joined(box, wrap)
    t.match({ status, stderr }, { status: 0, stderr: '' })
    t.equal(lines.length, cgroupMounts().length - 1)
    t.notOk(lines.some((line) => line.includes(':memory:')))
    const { dir } = box.bundle({ linux: { resources: { memory: { limit: 64 << 20 } } } })
    const limited = box.call(['run', '--bundle', dir, box.id()], { wrap })
    t.match(limited, { status: 1, stderr: /linux\.resources\.memory\.limit: .*memory/ })
  },
)

scenario(
  'all hierarchies are covered: root gets an error, because devices cannot be restricted',
  { skip: needsV1('devices') },
  (t, box) => {
    const wrap = covering('mount -t tmpfs none /sys/fs/cgroup')
    const { status, stderr } = joined(box, wrap)
    t.match({ status, stderr }, { status: 1, stderr: /no cgroup hierarchy is mounted/ })
  },
)

scenario(
  'all hierarchies are covered: an unprivileged user needs none',
  { skip: needsCommand('setpriv') },
  (t, box) => {
    const wrap = [...covering('mount -t tmpfs none /sys/fs/cgroup'), ...toUser]
    const look = 'ls /sys/fs/cgroup; echo there'
    const run = box.call(['run', '--bundle', rootlessBundle(box, shell(look)), box.id()], { wrap })
    t.match(run, { status: 0, stdout: 'there\n', stderr: '' })
    const config = { linux: { resources: { pids: { limit: 9 } } } }
    const limited = box.call(['run', '--bundle', rootlessBundle(box, config), box.id()], { wrap })
    t.match(limited, { status: 1, stderr: /linux\.resources\.pids\.limit/ })
  },
)
