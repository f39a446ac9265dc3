/*
 * linux.rootfsPropagation combined with the propagation of a bind mount (config-linux.md, "Rootfs Mount Propagation"; config.md, "Mounts"):
 * whether mounts propagate from the host to the container and back, by effect. All pairs, compared with runc and crun.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mountsWith } from '../../harness/bundle.ts'
import { peerCall } from '../../harness/peers.ts'
import { type Box, type CallOptions, scenario, until } from '../../harness/scenario.ts'

const kinds = ['unset', 'private', 'slave', 'shared', 'unbindable'] as const
type Kind = (typeof kinds)[number]
type Root = Kind | `r${Exclude<Kind, 'unset'>}`
type Way = 'in and out' | 'in' | 'neither'
type Ways = Readonly<Record<Kind, Way>>

const roots: readonly Root[] = [...kinds, 'rprivate', 'rslave', 'rshared', 'runbindable']

/** A bind mount of a shared mount is a peer, unless its options or rootfsPropagation prevent it. */
const peer: Ways = { unset: 'in and out', private: 'neither', slave: 'in', shared: 'in and out', unbindable: 'neither' }
const slave: Ways = { ...peer, unset: 'in', shared: 'in' }
const cut: Ways = { unset: 'neither', private: 'neither', slave: 'neither', shared: 'neither', unbindable: 'neither' }

const expected: Readonly<Record<Root, Ways>> = {
  unset: slave,
  private: peer,
  slave: peer,
  shared: peer,
  unbindable: peer,
  rprivate: cut,
  rslave: slave,
  rshared: peer,
  // In the end all mounts of the container are.
  runbindable: cut,
}

/** With a user namespace, mounts only propagate out on request. */
const inUserNamespace: Readonly<Record<Root, Ways>> = { ...expected, private: slave, slave, unbindable: slave }

type Results = Partial<Record<Kind, Way>> | 'refused'
/** Differences of peers (docs/spec-choices.md, "Propagation"). */
const differences: Readonly<Record<'runc' | 'crun', Partial<Record<Root, Ways | 'refused'>>>> = {
  // Its own pivot_root(2) and bind mounts fail.
  runc: { unbindable: 'refused', runbindable: 'refused' },
  crun: { unset: cut, runbindable: 'refused' },
}

/** Shared mounts of the host, one for each kind of bind mount, with the directories `in` and `out`. */
function makeShared(box: Box, name: string, recursive: '' | 'r'): Record<Kind, string> {
  const made = (kind: Kind): string => {
    const dir = join(box.dir, `${name}-${recursive}${kind}`)
    mkdirSync(dir)
    execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), dir])
    execFileSync('mount', ['--make-shared', dir])
    box.defer(() => spawnSync('umount', ['-R', '-l', dir]))
    for (const sub of ['in', 'out']) mkdirSync(join(dir, sub))
    return dir
  }
  return Object.fromEntries(kinds.map((kind) => [kind, made(kind)])) as Record<Kind, string>
}

const wayOf = (comesIn: boolean, goesOut: boolean): Way => {
  if (goesOut) return comesIn ? 'in and out' : ('only out' as Way)
  return comesIn ? 'in' : 'neither'
}

const caps = ['CAP_SYS_ADMIN']
const range = [{ containerID: 0, hostID: 0, size: 65536 }]
const mapped = { uidMappings: range, gidMappings: range }

interface Trial {
  readonly recursive: '' | 'r'
  readonly user?: boolean
  readonly call?: CallOptions
}

/** One container with five bind mounts. */
async function results(box: Box, root: Root, { recursive, user, call = {} }: Trial): Promise<Results> {
  const id = box.id()
  const shared = makeShared(box, id, recursive)
  const binds = kinds.map((kind) => ({
    destination: `/${kind}`,
    type: 'bind',
    source: shared[kind],
    options: ['rbind', ...(kind === 'unset' ? [] : [`${recursive}${kind}`])],
  }))
  const make = kinds.map((kind) => `mount -t tmpfs none /${kind}/out && touch /${kind}/out/made`).join(' && ')
  const types = ['pid', 'network', 'ipc', 'uts', 'mount', ...(user === true ? ['user'] : [])]
  const bundle = box.bundle(
    {
      root: { readonly: false },
      process: {
        args: ['sh', '-c', `${make} && touch /unset/ready; sleep 1000`],
        capabilities: { bounding: caps, effective: caps, permitted: caps },
      },
      mounts: mountsWith(...binds),
      linux: {
        namespaces: types.map((type) => ({ type })),
        ...(user === true && mapped),
        ...(root !== 'unset' && { rootfsPropagation: root }),
      },
    },
    { name: `b-${id}` },
  )
  const result = box.call(['run', '--detach', '--bundle', bundle.dir, id], call)
  if (result.status !== 0) return 'refused'
  const state = box.call(['state', id], call)
  const { pid } = JSON.parse(state.stdout)
  await until(() => existsSync(join(shared.unset, 'ready')), 'the mounts of the container')
  const found: Partial<Record<Kind, Way>> = {}
  for (const kind of kinds) {
    execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), join(shared[kind], 'in')])
    writeFileSync(join(shared[kind], 'in/file'), '')
    const comesIn = existsSync(`/proc/${pid}/root/${kind}/in/file`)
    found[kind] = wayOf(comesIn, existsSync(join(shared[kind], 'out/made')))
  }
  box.call(['delete', '--force', id], call)
  return found
}

for (const recursive of ['', 'r'] as const) {
  const how = recursive === '' ? 'alone' : 'recursive'
  scenario(`all pairs, options of the bind mounts ${how}`, {}, async (t, box) => {
    for (const root of roots) t.same(await results(box, root, { recursive }), expected[root], root)
  })
  for (const name of ['runc', 'crun'] as const) {
    const call = peerCall(name)
    const peers = { runc: 'it is what is compared with', crun: 'it is what is compared with' }
    const skip = call === undefined ? `no ${name}` : false
    scenario(`all pairs, options of the bind mounts ${how}: as ${name}`, { skip, peers }, async (t, box) => {
      for (const root of roots) {
        const theirs = differences[name][root] ?? expected[root]
        t.same(await results(box, root, { recursive, ...(call && { call }) }), theirs, root)
      }
    })
  }
}

scenario('all pairs in a user namespace', {}, async (t, box) => {
  for (const root of roots)
    t.same(await results(box, root, { recursive: 'r', user: true }), inUserNamespace[root], root)
})
