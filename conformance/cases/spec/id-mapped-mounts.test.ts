/*
 * Id-mapped mounts (config.md, "Mounts": idmap, ridmap, uidMappings, gidMappings): owners as the container sees them and as they
 * are stored in the source, with and without a user namespace.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { probeBundle, probing, type Report, runProbe } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const peers = { runc: '1.1 has no id-mapped mounts', crun: '1.8 maps the other way round' }
const mapping = (hostID: number, size = 1000): Json => [{ containerID: 0, hostID, size }]

/** A directory with a file of user 5 and group 6 in it. */
function makeSource(box: Box): string {
  const source = join(box.dir, 'source')
  mkdirSync(join(source, 'below'), { recursive: true })
  writeFileSync(join(source, 'file'), '')
  chownSync(join(source, 'file'), 5, 6)
  return source
}

const bind = (source: string, more: Patch): Json => ({ destination: '/mapped', type: 'bind', source, ...more })
const withMount = (mount: Json, patch: Patch = {}): Patch => ({ mounts: mountsWith(mount), ...patch })

/** A container whose root is user 100000 on the host, with suitable options for sysfs and devpts. */
const inUserNamespace = (mount: Json): Patch => ({
  mounts: mountsWith(mount).filter((entry) => (entry as Patch).type !== 'mqueue'),
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: mapping(100000, 65536),
    gidMappings: mapping(100000, 65536),
  },
})

/** The root of such a container may not create the target in a root file system that belongs to the host's root. */
function probeMapped(t: Test, box: Box, topic: string, patch: Patch): Report {
  const bundle = box.bundle(probing([topic], patch), { name: `bundle-${box.id()}` })
  mkdirSync(join(bundle.rootfs, 'mapped'))
  return probeBundle(t, box, bundle)
}

const owner = (line: string): string | undefined => line.split(' ')[2]

for (const options of [['bind', 'idmap'], ['rbind', 'ridmap'], ['bind']]) {
  scenario(`mappings of the mount, options ${options}`, { peers }, (t, box) => {
    const source = makeSource(box)
    const mount = bind(source, { options, uidMappings: mapping(2000), gidMappings: mapping(3000) })
    const inside = runProbe(t, box, ['stat:/mapped/file'], withMount(mount))
    t.equal(owner(inside.text('stat:/mapped/file')), '2005:3006')
    t.equal(statSync(join(source, 'file')).uid, 5, 'the source is as it was')
  })
}

scenario('files made through the mount belong to the user of the source', { peers }, (t, box) => {
  const source = makeSource(box)
  chownSync(source, 5, 6)
  const patch = withMount(
    bind(source, { options: ['bind', 'idmap'], uidMappings: mapping(2000), gidMappings: mapping(3000) }),
    {
      process: { user: { uid: 2005, gid: 3006 }, args: ['touch', '/mapped/new'] },
    },
  )
  const bundle = box.bundle(patch)
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  const made = statSync(join(source, 'new'))
  t.same([made.uid, made.gid], [5, 6])
})

scenario('the mappings of the container’s user namespace', { peers }, (t, box) => {
  const source = makeSource(box)
  const inside = probeMapped(
    t,
    box,
    'stat:/mapped/file',
    inUserNamespace(bind(source, { options: ['rbind', 'idmap'] })),
  )
  t.equal(owner(inside.text('stat:/mapped/file')), '5:6', 'on disk as in the container')
  const without = probeMapped(t, box, 'stat:/mapped/file', inUserNamespace(bind(source, { options: ['rbind'] })))
  t.equal(owner(without.text('stat:/mapped/file')), '65534:65534', 'without it, nobody')
})

scenario('own mappings in a user namespace', { peers }, (t, box) => {
  const source = makeSource(box)
  const mount = bind(source, { options: ['bind', 'idmap'], uidMappings: mapping(100010), gidMappings: mapping(100020) })
  const inside = probeMapped(t, box, 'stat:/mapped/file', inUserNamespace(mount))
  t.equal(owner(inside.text('stat:/mapped/file')), '15:26')
})

scenario('the mappings of a user namespace that is joined', { peers }, async (t, box) => {
  const source = makeSource(box)
  const holder = box.helper(['unshare', '--user', '--map-root-user', 'sleep', '60'])
  const path = `/proc/${holder.pid}/ns/user`
  // The namespace of another process: until unshare has created it, it is our own.
  for (let i = 0; i < 200 && readNamespace(path) === readNamespace('/proc/self/ns/user'); i++) await tick()
  const root = join(source, 'file')
  chownSync(root, 0, 0)
  const patch = inUserNamespace(bind(source, { options: ['bind', 'idmap'] }))
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type): Json => ({ type }))
  const linux = { namespaces: [...namespaces, { type: 'user', path }] }
  const inside = probeMapped(t, box, 'stat:/mapped/file', {
    ...patch,
    mounts: (patch.mounts as Patch[]).filter(({ type }) => type !== 'devpts'),
    linux,
  })
  t.equal(owner(inside.text('stat:/mapped/file')), '0:0')
})

const readNamespace = (path: string): string => spawnSync('readlink', [path], { encoding: 'utf8' }).stdout
const tick = (): Promise<void> => new Promise((done) => setTimeout(done, 10))

scenario('ridmap reaches the mounts below, idmap does not', { peers }, (t, box) => {
  const source = makeSource(box)
  const below = join(source, 'below')
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755', box.dir.slice(1), below])
  box.defer(() => spawnSync('umount', [below]))
  for (const [option, expected] of [
    ['ridmap', '2000:3000'],
    ['idmap', '0:0'],
  ] as const) {
    const mappings = { uidMappings: mapping(2000), gidMappings: mapping(3000) }
    const inside = runProbe(
      t,
      box,
      ['stat:/mapped/below'],
      withMount(bind(source, { options: ['rbind', option], ...mappings })),
    )
    t.equal(owner(inside.text('stat:/mapped/below')), expected, option)
  }
})

scenario('a mount that cannot be mapped is an error that names it', { peers }, (t, box) => {
  const cases: readonly (readonly [Json, RegExp])[] = [
    [bind('/srv', { options: ['bind', 'idmap'] }), /mounts\[7\]\.options\[1\]: needs uidMappings/],
    [bind('/srv', { options: ['bind', 'idmap'], uidMappings: mapping(1) }), /mounts\[7\]\.gidMappings: is required/],
    [
      { destination: '/mapped', type: 'tmpfs', options: ['idmap'], uidMappings: mapping(1), gidMappings: mapping(1) },
      /mounts\[7\] .*only bind mounts can be id-mapped/,
    ],
    // A pseudo file system does not support id mappings.
    [
      bind('/proc/sys', { options: ['bind', 'idmap'], uidMappings: mapping(1), gidMappings: mapping(1) }),
      /mounts\[7\] \(\/proc\/sys at \/mapped\): mount_setattr: EINVAL/,
    ],
  ]
  for (const [index, [mount, message]] of cases.entries()) {
    const bundle = box.bundle(withMount(mount), { name: `bad-${index}` })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})
