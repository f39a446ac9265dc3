/*
 * config-linux.md, "Namespaces": a type that is not listed MUST be inherited, one without path MUST be new, alone and in every pair, and
 * parameters of a namespace that is the host's MUST NOT be changed. joined-namespaces.test.ts tests those joined by path.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { needsCommand, needsFile } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const files = {
  cgroup: 'cgroup',
  ipc: 'ipc',
  network: 'net',
  pid: 'pid',
  time: 'time',
  user: 'user',
  uts: 'uts',
} as const
type Type = keyof typeof files
const types = Object.keys(files) as Type[]
const own = (type: Type): string => readlinkSync(`/proc/self/ns/${files[type]}`)

const range = [{ containerID: 0, hostID: 100000, size: 65536 }]

/** A container with a mount namespace, these others, and only mounts that work in all of them. */
const withNamespaces = (...listed: readonly Type[]): Patch => ({
  hostname: undefined,
  mounts: mountsWithout(
    '/dev/mqueue',
    '/sys',
    '/sys/fs/cgroup',
    ...(listed.includes('user') && !listed.includes('pid') ? ['/proc'] : []),
  ),
  linux: {
    namespaces: ['mount', ...listed].map((type) => ({ type })),
    maskedPaths: [],
    readonlyPaths: [],
    ...(listed.includes('user') && { uidMappings: range, gidMappings: range }),
  },
})

const sets: readonly (readonly Type[])[] = [
  [],
  ...types.map((type) => [type]),
  ...types.flatMap((first, index) => types.slice(index + 1).map((second) => [first, second])),
  types,
]

scenario('MUST inherit unlisted namespaces, MUST create listed ones without path, in every pair', {}, (t, box) => {
  for (const listed of sets) {
    // Without a pid namespace of its own, a user namespace may not mount procfs, which the probe reads.
    if (listed.includes('user') && !listed.includes('pid')) continue
    const inside = runProbe(t, box, ['ns'], withNamespaces(...listed)).pairs('ns')
    const fresh = types.filter((type) => inside[files[type]] !== own(type))
    t.same(
      fresh,
      types.filter((type) => listed.includes(type)),
      `new: ${listed.join(', ') || 'none'}`,
    )
  }
})

scenario('a user namespace without a pid namespace', {}, (t, box) => {
  const bundle = box.bundle({ ...withNamespaces('user'), process: { args: ['sh', '-c', 'id -u; echo $$'] } })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, /^0\n[0-9]{2,}\n$/, 'its root, with a pid of the host')
})

scenario('MUST generate an error for a type that is listed twice', {}, (t, box) => {
  for (const type of ['mount', ...types]) {
    const namespaces: Json[] = [{ type: 'mount' }, { type }, { type }]
    const bundle = box.bundle({ linux: { namespaces } }, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, `${type} is already listed`)
  }
})

/** A network namespace with a name, as `ip netns` keeps them. */
function makeNetns(box: Box): string {
  const name = `rt${process.pid % 100000}sysctl`
  execFileSync('ip', ['netns', 'add', name])
  box.defer(() => spawnSync('ip', ['netns', 'del', name]))
  return `/run/netns/${name}`
}

const somaxconn = '/proc/sys/net/core/somaxconn'
const setting = (path: string): Patch => ({
  linux: {
    namespaces: [...['mount', 'pid', 'ipc', 'uts'].map((type) => ({ type })), { type: 'network', path }],
    sysctl: { 'net.core.somaxconn': '77' },
  },
})

scenario('a parameter is set in a joined namespace', { skip: needsCommand('ip') }, (t, box) => {
  const path = makeNetns(box)
  t.equal(runProbe(t, box, [`file:${somaxconn}`], setting(path)).text(`file:${somaxconn}`), '77')
})

scenario(
  'a parameter MUST NOT be set in the runtime’s own namespace, however it is named',
  { skip: needsFile(somaxconn) },
  (t, box) => {
    const before = readFileSync(somaxconn, 'utf8')
    const bound = join(box.dir, 'bound')
    writeFileSync(bound, '')
    execFileSync('mount', ['--bind', '/proc/self/ns/net', bound])
    box.defer(() => spawnSync('umount', [bound]))
    for (const path of ['/proc/self/ns/net', `/proc/${process.pid}/ns/net`, bound]) {
      const bundle = box.bundle(setting(path), { name: box.id() })
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      t.not(result.status, 0, path)
      t.match(result.stderr, /linux\.sysctl\["net\.core\.somaxconn"\].*the host's namespace/)
      if (readFileSync(somaxconn, 'utf8') !== before) writeFileSync(somaxconn, before)
    }
  },
)
