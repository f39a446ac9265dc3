/*
 * podman container checkpoint and restore: a container continues where it stopped, in place, under another name from an exported archive,
 * and with podman's options --leave-running and --pre-checkpoint. Runs where CRIU works, in the virtual machine.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { either, needsCommand, type Skip } from '../harness/requires.ts'
import { until } from '../harness/scenario.ts'
import type { EngineBox } from './engine.ts'
import { inspect, must, podmanTest } from './podman.ts'
import { image } from './podman-config.ts'

const checks = (...feature: readonly string[]): Skip =>
  spawnSync('criu', ['check', ...feature], { stdio: 'ignore' }).status === 0
    ? false
    : `criu ${['check', ...feature].join(' ')} fails`
const skip = either(needsCommand('criu'), checks())

const count = (box: EngineBox, name: string): number => Number(must(box, ['exec', name, 'cat', '/dev/shm/count']))

/** A container that counts, in memory. */
async function counter(box: EngineBox): Promise<string> {
  const name = box.name()
  const script = 'cd /dev/shm; i=0; while :; do i=$((i+1)); echo $i >next; mv next count; sleep 0.1; done'
  must(box, ['run', '--detach', '--name', name, image, 'sh', '-c', script])
  await until(() => count(box, name) > 2, 'a count')
  return name
}

podmanTest('checkpoint and restore in place', { skip }, async (t, box) => {
  const name = await counter(box)
  const before = count(box, name)
  must(box, ['container', 'checkpoint', name])
  t.equal(inspect(box, name, '{{.State.Status}} {{.State.Checkpointed}}'), 'exited true')
  must(box, ['container', 'restore', name])
  t.equal(inspect(box, name, '{{.State.Status}}'), 'running')
  const now = count(box, name)
  t.ok(now >= before, 'with its memory')
  await until(() => count(box, name) > now, 'further counting')
  must(box, ['rm', '--force', '--time', '0', name])
})

podmanTest('an archive is restored under another name', { skip }, async (t, box) => {
  const name = await counter(box)
  const before = count(box, name)
  const archive = join(box.dir, 'archive.tar.gz')
  must(box, ['container', 'checkpoint', '--compress', 'gzip', '--export', archive, name])
  must(box, ['rm', '--force', '--time', '0', name])
  const other = box.name()
  must(box, ['container', 'restore', '--import', archive, '--name', other])
  t.ok(count(box, other) >= before, 'with its memory')
  must(box, ['rm', '--force', '--time', '0', other])
})

podmanTest(
  'its memory saved ahead, then left running',
  { skip: either(skip, checks('--feature', 'mem_dirty_track')) },
  async (t, box) => {
    const name = await counter(box)
    must(box, ['container', 'checkpoint', '--pre-checkpoint', name])
    t.equal(inspect(box, name, '{{.State.Status}}'), 'running')
    must(box, ['container', 'checkpoint', '--with-previous', '--leave-running', name])
    const now = count(box, name)
    await until(() => count(box, name) > now, 'it goes on')
    must(box, ['rm', '--force', '--time', '0', name])
  },
)
