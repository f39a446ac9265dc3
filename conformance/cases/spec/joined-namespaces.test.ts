/*
 * linux.namespaces with paths (config-linux.md, "Namespaces"): each type joined alone and with a user namespace that owns it or does
 * not, and files that are not a namespace of the type.
 */
import { readlinkSync } from 'node:fs'
import { type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { type Box, type Running, scenario, until } from '../../harness/scenario.ts'

const files = {
  ipc: 'ipc',
  network: 'net',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
  pid: 'pid',
  mount: 'mnt',
  user: 'user',
}
type Type = keyof typeof files
const flags: Readonly<Record<Type, string>> = {
  ipc: '--ipc',
  network: '--net',
  uts: '--uts',
  cgroup: '--cgroup',
  time: '--time',
  pid: '--pid',
  mount: '--mount',
  user: '--user',
}
const inode = (pid: number | 'self', type: Type): string => readlinkSync(`/proc/${pid}/ns/${files[type]}`)

/** The file of the namespace that unshare(1) created: for some types only a child is in it. */
const forChildren = (type: Type): string =>
  type === 'pid' || type === 'time' ? `${files[type]}_for_children` : files[type]

/** A process in new namespaces of these types. */
async function hold(box: Box, types: readonly Type[]): Promise<Running> {
  const forks = types.includes('pid') || types.includes('time')
  const running = box.helper([
    'unshare',
    ...types.map((type) => flags[type]),
    ...(types.includes('user') ? ['--map-root-user'] : []),
    ...(forks ? ['--fork', '--kill-child'] : []),
    'sleep',
    '100',
  ])
  const test = types.includes('user')
    ? 'user'
    : (types.find((type) => type !== 'pid' && type !== 'time') ?? types[0] ?? 'pid')
  await until(() => isOther(running, test), 'unshare')
  return running
}

/** False also before it exists: pid_for_children appears with the first child (namespaces(7)). */
function isOther({ pid }: Running, type: Type): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/${forChildren(type)}`) !== inode('self', type)
  } catch {
    return false
  }
}

const fresh = (...without: readonly Type[]): Json[] =>
  (['pid', 'network', 'ipc', 'uts', 'mount'] as const)
    .filter((type) => !without.includes(type))
    .map((type) => ({ type }))

for (const type of ['ipc', 'network', 'uts', 'cgroup'] as const) {
  scenario(`a ${type} namespace is joined by its path`, {}, async (t, box) => {
    const holder = await hold(box, [type])
    const path = `/proc/${holder.pid}/ns/${files[type]}`
    const namespaces = [...fresh(type), { type, path }]
    const patch: Patch = { linux: { namespaces }, ...(type === 'uts' && { hostname: '' }) }
    const inside = runProbe(t, box, ['ns'], patch)
    t.equal(inside.pairs('ns')[files[type]], inode(holder.pid, type))
  })
}

for (const type of ['pid', 'time'] as const) {
  scenario(`a ${type} namespace is joined by its path`, {}, async (t, box) => {
    const holder = await hold(box, [type])
    const path = `/proc/${holder.pid}/ns/${files[type]}_for_children`
    await until(() => isOther(holder, type), 'the child of unshare')
    const inside = runProbe(t, box, ['ns'], { linux: { namespaces: [...fresh(type), { type, path }] } })
    t.equal(inside.pairs('ns')[files[type]], readlinkSync(path))
  })
}

/**
 * Without a mapping for group 5, devpts with gid=5 and mqueue cannot be mounted; sysfs needs a network namespace of
 * one's own.
 */
const ofOneUser = mountsWithout('/dev/pts', '/dev/mqueue', '/sys', '/sys/fs/cgroup')

scenario('a user namespace and the network namespace that it owns', {}, async (t, box) => {
  const holder = await hold(box, ['user', 'network'])
  const at = (type: Type): Json => ({ type, path: `/proc/${holder.pid}/ns/${files[type]}` })
  const namespaces = [...fresh('network'), at('user'), at('network')]
  const inside = runProbe(t, box, ['ns'], { mounts: ofOneUser, linux: { namespaces } })
  t.equal(inside.pairs('ns').net, inode(holder.pid, 'network'))
  t.equal(inside.pairs('ns').user, inode(holder.pid, 'user'))
})

scenario('a user namespace and a network namespace that it does not own', {}, async (t, box) => {
  const holder = await hold(box, ['user'])
  const other = await hold(box, ['network', 'ipc'])
  const path = `/proc/${holder.pid}/ns/user`
  const joined = (['network', 'ipc'] as const).map((type) => ({ type, path: `/proc/${other.pid}/ns/${files[type]}` }))
  const namespaces = [...fresh('network', 'ipc'), { type: 'user', path }, ...joined]
  const inside = runProbe(t, box, ['ns'], { mounts: ofOneUser, linux: { namespaces } })
  t.equal(inside.pairs('ns').net, inode(other.pid, 'network'))
  t.equal(inside.pairs('ns').ipc, inode(other.pid, 'ipc'))
  t.equal(inside.pairs('ns').user, inode(holder.pid, 'user'))
})

for (const types of [
  ['ipc', 'network', 'uts', 'cgroup', 'time', 'pid', 'mount'],
  ['user', 'ipc', 'network', 'uts', 'cgroup', 'pid', 'mount'],
] as const) {
  scenario(`all at once: ${types.join(', ')}`, {}, async (t, box) => {
    const holder = await hold(box, types)
    await until(() => isOther(holder, 'pid'), 'the child of unshare')
    const namespaces = types.map((type): Json => ({ type, path: `/proc/${holder.pid}/ns/${forChildren(type)}` }))
    const wanted = types.map((type) => readlinkSync(`/proc/${holder.pid}/ns/${forChildren(type)}`))
    const patch = {
      hostname: undefined,
      linux: { namespaces },
      ...((types as readonly Type[]).includes('user') && { mounts: ofOneUser }),
    }
    const inside = runProbe(t, box, ['ns'], patch).pairs('ns')
    t.same(
      types.map((type) => inside[files[type]]),
      wanted,
    )
  })
}

scenario('a path that is no namespace of the type is an error that names the entry', {}, (t, box) => {
  for (const [path, message] of [
    ['/proc/self/ns/net', /linux\.namespaces\[4\] \(ipc at .*\): setns: EINVAL/],
    ['/dev/null', /linux\.namespaces\[4\] \(ipc at .*\): setns: EINVAL/],
    ['/no/such/file', /linux\.namespaces\[4\] \(ipc at .*\): openat2.*: ENOENT/],
    ['relative', /linux\.namespaces\[4\]\.path: must be an absolute path/],
  ] as const) {
    const bundle = box.bundle(
      { linux: { namespaces: [...fresh('ipc'), { type: 'ipc', path }] } },
      { name: `bad${box.id()}` },
    )
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})
