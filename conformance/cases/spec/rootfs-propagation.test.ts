/*
 * linux.rootfsPropagation (config-linux.md, "Rootfs Mount Propagation"): the propagation of the root mount, and which mounts
 * propagate in and out. The host's mounts are made below a shared mount of the test's own.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith, type Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { type Box, scenario, until } from '../../harness/scenario.ts'

const capabilities = ['CAP_SYS_ADMIN']
const privileged = {
  capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
}

/** A shared mount on the host with a directory `sub`; the test's token is in its path in mountinfo. */
function makeShared(box: Box): string {
  const dir = join(box.dir, 'shared')
  mkdirSync(dir)
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), dir])
  execFileSync('mount', ['--make-shared', dir])
  box.defer(() => spawnSync('umount', ['-R', '-l', dir]))
  mkdirSync(join(dir, 'sub'))
  return dir
}

const root = (t: Parameters<typeof runProbe>[0], box: Box, linux: Patch): readonly string[] | undefined =>
  runProbe(t, box, ['file:/proc/self/mountinfo'], { linux })
    .mounts()
    .find(({ target }) => target === '/')?.propagation

for (const [value, expected] of [
  ['shared', ['shared']],
  ['rshared', ['shared']],
  ['private', []],
  ['rprivate', []],
  ['unbindable', ['unbindable']],
  ['runbindable', ['unbindable']],
] as const) {
  scenario(`the root mount with rootfsPropagation ${value}`, {}, (t, box) => {
    t.same(root(t, box, { rootfsPropagation: value }), expected)
  })
}

for (const value of ['slave', 'rslave', undefined] as const) {
  scenario(`the root mount with rootfsPropagation ${value ?? 'not set'}`, {}, (t, box) => {
    const propagation = root(t, box, value === undefined ? {} : { rootfsPropagation: value }) ?? ['none']
    t.notOk(propagation.includes('shared'), `${propagation}`)
  })
}

/** A container that waits, with the shared directory bound at /shared. */
function startWaiting(
  box: Box,
  shared: string,
  rootfsPropagation: string,
  options: readonly string[],
  args: readonly string[],
): string {
  const bundle = box.bundle({
    process: { args, ...privileged },
    mounts: mountsWith({ destination: '/shared', type: 'bind', source: shared, options }),
    linux: { rootfsPropagation },
  })
  const id = box.id()
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id])
  if (result.status !== 0) throw new Error(result.stderr)
  box.defer(() => box.call(['delete', '--force', id]))
  return id
}

const isMounted = (box: Box, id: string, name: string): boolean =>
  existsSync(join(`/proc/${box.state(id)?.pid}/root/shared/sub`, name))

for (const [value, comesIn] of [
  ['rslave', true],
  ['rshared', true],
  ['rprivate', false],
] as const) {
  scenario(
    `${value}: a mount of the host ${comesIn ? 'appears in' : 'stays out of'} the container`,
    {},
    async (t, box) => {
      const shared = makeShared(box)
      const id = startWaiting(box, shared, value, ['rbind', value], ['sleep', '100'])
      execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), join(shared, 'sub')])
      writeFileSync(join(shared, 'sub/file'), '')
      if (comesIn) await until(() => isMounted(box, id, 'file'), 'propagation')
      t.equal(isMounted(box, id, 'file'), comesIn)
    },
  )
}

for (const value of ['rslave', 'rprivate', 'slave', 'private']) {
  scenario(`${value}: a mount of the container does not reach the host`, {}, async (t, box) => {
    const shared = makeShared(box)
    const command = 'mount -t tmpfs none /shared/sub && touch /shared/sub/made; sleep 100'
    const id = startWaiting(box, shared, value, ['rbind', value], ['sh', '-c', command])
    await until(() => isMounted(box, id, 'made'), 'the mount in the container')
    t.notOk(existsSync(join(shared, 'sub/made')))
  })
}

scenario('rshared: a mount of the container reaches the host through a shared bind mount', {}, async (t, box) => {
  const shared = makeShared(box)
  const command = 'mount -t tmpfs none /shared/sub && touch /shared/sub/made; sleep 100'
  const id = startWaiting(box, shared, 'rshared', ['rbind', 'rshared'], ['sh', '-c', command])
  await until(() => isMounted(box, id, 'made'), 'the mount in the container')
  t.ok(existsSync(join(shared, 'sub/made')))
})

scenario('mounts of the container leave nothing on the host, with any propagation', {}, (t, box) => {
  const shared = makeShared(box)
  for (const value of ['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate', 'unbindable', 'runbindable']) {
    const before = mountCount(box)
    const bundle = box.bundle({ linux: { rootfsPropagation: value } }, { name: `bundle-${value}` })
    // A root file system on a shared mount of the host.
    const rootfs = join(shared, value)
    execFileSync('cp', ['-a', bundle.rootfs, rootfs])
    execFileSync('sh', ['-c', `sed -i 's|"path": "rootfs"|"path": "${rootfs}"|' ${bundle.config}`])
    const id = box.id()
    const result = box.call(['run', '--bundle', bundle.dir, id])
    t.equal(result.status, 0, `${value} ${result.stderr}`)
    t.equal(mountCount(box), before, value)
  }
})

/** Other tests run at the same time. */
const mountCount = ({ dir }: Box): number =>
  execFileSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dir)).length
