/*
 * A root file system and volumes that are changed between checkpoint and restore by someone who can write to them: restore creates mount
 * points inside the root, also below bind mounts (CVE-2019-18837 and similar), and a source that leads elsewhere by then is not given to
 * the container.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { attack, fresh, link, type Outcome, type Victim, victim } from '../../harness/attack.ts'
import { type Bundle, mountsWith } from '../../harness/bundle.ts'
import { count, counting, inMemory, needsCriu, quietly } from '../../harness/criu.ts'
import { bind } from '../../harness/mounts.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

interface Saved {
  readonly bundle: Bundle
  readonly volume: string
  readonly victim: Victim
}

/** Saves a container with nested mounts in a volume, calls `change`, and restores it. */
async function restoreAfter(box: Box, change: (saved: Saved) => void): Promise<Outcome> {
  const volume = join(box.dir, `volume-${box.id()}`)
  mkdirSync(volume)
  const mounts = mountsWith(bind('/var/b', volume, 'rbind'), bind('/var/b/c/d', volume, 'rbind', 'ro'))
  const bundle = fresh(box, { ...counting, root: { readonly: false }, mounts })
  const [id, images] = [box.id(), join(inMemory(box), 'images')]
  const started = quietly(box, ['run', '-d', '--bundle', bundle.dir, id])
  if (started.status !== 0) throw new Error(`no container: ${started.stderr}`)
  await until(() => count(box, id) > 2, 'a count')
  const saved = box.call(['checkpoint', '--image-path', images, id])
  if (saved.status !== 0) throw new Error(`no checkpoint: ${saved.stderr}`)
  const target = victim(box)
  change({ bundle, volume, victim: target })
  const { status, stderr } = quietly(box, ['restore', '-d', '--image-path', images, '--bundle', bundle.dir, id])
  if (status === 0) box.call(['delete', '--force', id])
  if (!target.untouched()) return 'succeeded'
  return { stopped: [status === 0 ? 'ran: it is restored' : `refused: ${stderr}`] }
}

/**
 * It is created in the root, where CRIU does not find the saved mount point; or it cannot be created, and the error
 * names the mount.
 */
const stopped = /^refused: .*(criu: restore: .*mount|mounts\[\d\])/
const skip = needsCriu

for (const [name, target] of [
  ['absolute', ({ dir }: Victim) => dir],
  ['relative', ({ relative }: Victim) => relative],
] as const)
  attack(
    `restore: a destination below a link of the root file system, ${name}`,
    { skip, walls: ['in-root'], stopped },
    (box) => restoreAfter(box, (saved) => link(saved.bundle, 'var', target(saved.victim))),
  )

attack('restore: a destination below a magic link', { skip, walls: ['in-root', 'magic-links'], stopped }, (box) =>
  restoreAfter(box, ({ bundle, victim: { dir } }) => link(bundle, 'var', `/proc/self/root${dir}`)),
)

attack('restore: a destination below a link of a volume', { skip, walls: ['in-root'], stopped }, (box) =>
  restoreAfter(box, ({ volume, victim: { dir } }) => {
    rmSync(join(volume, 'c'), { recursive: true })
    symlinkSync(dir, join(volume, 'c'))
  }),
)

scenario('checkpoint does not save a source that leads elsewhere now', { skip }, async (t, box) => {
  const volume = join(box.dir, 'volume')
  mkdirSync(volume)
  const bundle = box.bundle({ ...counting, mounts: mountsWith(bind('/tmp', volume, 'bind')) })
  const id = box.id()
  t.equal(quietly(box, ['run', '-d', '--bundle', bundle.dir, id]).status, 0)
  await until(() => count(box, id) > 2, 'a count')
  renameSync(volume, join(box.dir, 'moved'))
  symlinkSync(victim(box).dir, volume)
  const { status, stderr } = box.call(['checkpoint', '--image-path', join(inMemory(box), 'images'), id])
  t.match({ status, stderr }, { status: 1, stderr: /at \/tmp\): cannot be restored: its source is another file now/ })
  t.equal(box.state(id)?.status, 'running')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
