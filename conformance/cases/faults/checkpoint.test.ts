/*
 * Faults in checkpoint and restore, at the steps and calls of the runtime (not of CRIU). The result is images without a container, or a
 * container that still runs; see trials.ts.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { count, counter, counting, inMemory, needsCriu, quietly } from '../../harness/criu.ts'
import { either } from '../../harness/requires.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'
import { needsFaults, timeout } from './points.ts'
import { strike } from './trials.ts'

const skip = either(needsFaults(), needsCriu)

/** A growing number shows that the container's process runs, with its memory. */
async function countsOn(box: Box, id: string, from = 0): Promise<string | undefined> {
  const before = count(box, id)
  if (!(before >= from)) return `it has counted to ${before}, not to ${from}`
  return until(() => count(box, id) > before, 'further counting', 5000).then(
    () => undefined,
    (error) => String(error),
  )
}

scenario('restore', { skip, timeout }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const images = join(inMemory(box), 'images')
  const id = await counter(t, box, bundle)
  const counted = count(box, id)
  t.equal(box.call(['checkpoint', '--image-path', images, id]).status, 0)
  await strike(t, box, {
    name: 'restore',
    lists: ['runtime', 'container', 'call', 'init'],
    faults: { share: 13 },
    command: (id) => ['restore', '--detach', '--image-path', images, '--bundle', bundle, id],
    check: (id) => countsOn(box, id, counted),
    cleans: 'itself',
  })
})

/** Run by a hook when the first process exists without its memory. CRIU is the other child of the runtime. */
const killCriu = `for stat in /proc/[0-9]*/stat; do read pid name _ parent _ <$stat || continue
  [ "$name" != '(criu)' ] || [ $parent != $PPID ] || kill -9 $pid; done 2>/dev/null`

scenario('restore leaves nothing when CRIU is killed', { skip: needsCriu }, async (t, box) => {
  const hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', killCriu] }] }
  const bundle = box.bundle(counting).dir
  const other = box.bundle({ ...counting, hooks }, { name: 'other' }).dir
  const images = join(inMemory(box), 'images')
  const id = await counter(t, box, bundle)
  t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' })
  const result = box.call(['restore', '--detach', '--image-path', images, '--bundle', other, id])
  t.match(result, { status: 1, stderr: /criu: restore: / })
  t.equal(box.state(id), undefined)
})

scenario('checkpoint', { skip, timeout }, async (t, box) => {
  const bundle = box.bundle(counting).dir
  const all = inMemory(box)
  const saved = (id: string): string | undefined =>
    existsSync(join(all, id, 'inventory.img')) ? undefined : `the container is ${box.state(id)?.status} and not saved`
  await strike(t, box, {
    name: 'checkpoint',
    lists: ['runtime', 'container', 'call', 'init'],
    faults: { share: 13 },
    prepare: (id) => {
      const { status, stderr } = quietly(box, ['run', '-d', '--bundle', bundle, id])
      if (status !== 0) throw new Error(stderr)
    },
    command: (id) => ['checkpoint', '--image-path', join(all, id), id],
    check: async (id) => {
      if (existsSync(join(box.root, id))) return 'the container is there'
      const { status, stderr } = quietly(box, ['restore', '-d', '--image-path', join(all, id), '--bundle', bundle, id])
      return status === 0 ? countsOn(box, id) : stderr
    },
    // Only the removal of the saved container may have failed.
    checkUnharmed: async (id) => (box.state(id)?.status === 'running' ? countsOn(box, id) : saved(id)),
    // A source that cannot be inspected is not used to identify mounts; the check restores them.
    copesWith: ({ point }) => point.name === 'openat2' || point.name === 'keep',
    cleans: 'by delete',
  })
})
