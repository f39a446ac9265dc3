/*
 * Two containers of different state roots with the same cgroup, by linux.cgroupsPath or by their id: when the first has ended, the second
 * may use it. Later commands on the first must not affect the second.
 */
import type { Test } from 'tap'
import { isRunt } from '../../harness/project.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const skip = isRunt ? false : 'other runtimes do not mark cgroups'

interface How {
  readonly by: 'path' | 'id'
  /** Of the second container. */
  readonly globals: readonly string[]
}

/** The first has ended, the second runs in its cgroups. */
async function takeOver(t: Test, box: Box, { by, globals }: How) {
  const linux = by === 'path' ? { cgroupsPath: `/${box.id()}` } : {}
  const first = box.id()
  const second = by === 'path' ? box.id() : first
  const ended = box.bundle({ linux }, { name: 'first' })
  t.equal(box.call(['run', '--detach', '--bundle', ended.dir, first]).status, 0)
  await until(() => box.state(first)?.status === 'stopped', 'stopped')
  const long = box.bundle({ process: { args: ['sleep', '1000'] }, linux }, { name: 'second' })
  const root = `${box.dir}/other-root`
  const run = box.call([...globals, 'run', '--detach', '--bundle', long.dir, second], { root })
  t.equal(run.status, 0, run.stderr)
  box.defer(() => box.call(['delete', '--force', second], { root }))
  const state = () => JSON.parse(box.call(['state', second], { root }).stdout)
  return { first, isRunning: () => state().status === 'running' }
}

for (const how of [
  { by: 'path', globals: [] },
  { by: 'id', globals: [] },
  { by: 'id', globals: ['--rootless=true'] },
] as const) {
  const name = `${how.by} ${how.globals}`
  scenario(`kill --all and delete do not signal new users of the cgroups, by ${name}`, { skip }, async (t, box) => {
    const { first, isRunning } = await takeOver(t, box, how)
    t.equal(box.call(['kill', '--all', first, 'KILL']).status, 0)
    t.ok(isRunning(), 'after kill --all')
    t.match(box.call(['delete', first]), { status: 1, stderr: /still in it: / })
    t.ok(isRunning(), 'after delete')
    t.match(box.call(['delete', '--force', first]), { status: 0, stderr: '' })
    t.ok(isRunning(), 'after delete --force')
  })

  scenario(`delete --force does not signal new users of the cgroups, by ${name}`, { skip }, async (t, box) => {
    const { first, isRunning } = await takeOver(t, box, how)
    t.match(box.call(['delete', '--force', first]), { status: 0, stderr: '' })
    t.ok(isRunning())
  })
}
