/*
 * config-linux.md, "Devices" and "Default Devices", runtime-linux.md, "Dev symbolic links": where nodes are created, what they may
 * replace, and devices that are both in the config and default. ../default-config.test.ts tests their modes and owners.
 */
import { chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWithout, type Patch } from '../../harness/bundle.ts'
import { probeBundle, probing, runProbe } from '../../harness/probe.ts'
import { scenario } from '../../harness/scenario.ts'

const node = (path: string, more: Patch = {}): Json => ({ path, type: 'c', major: 1, minor: 3, ...more })
const writable = { path: 'rootfs', readonly: false }
const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
const inUserNamespace = (devices: readonly Json[]): Patch => ({
  linux: {
    devices,
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: range,
    gidMappings: range,
  },
})

scenario('MAY be anywhere in the container’s file system, never outside', {}, (t, box) => {
  const outside = join(box.dir, 'outside')
  mkdirSync(outside)
  const topics = ['stat:/opt/deep/null', 'stat:/tmp/n', 'stat:/null']
  const devices = ['/opt/deep/null', '/link/n', '/null', '/away/n'].map((path) => node(path))
  const bundle = box.bundle(probing([...topics, `stat:${outside}/n`], { root: writable, linux: { devices } }))
  symlinkSync('/tmp', join(bundle.rootfs, 'link'))
  symlinkSync(`${'../'.repeat(20)}${outside.slice(1)}`, join(bundle.rootfs, 'away'))
  const inside = probeBundle(t, box, bundle)
  for (const topic of [...topics, `stat:${outside}/n`]) t.match(inside.text(topic), /^char 0666 0:0 1:3/, topic)
  t.notOk(existsSync(join(outside, 'n')), 'the link leads to that path inside')
})

scenario('a character device by its other name, u, and a FIFO whose numbers do not matter', {}, (t, box) => {
  const devices = [node('/dev/a', { type: 'u' }), node('/dev/b', { type: 'p', major: 8, minor: 666, fileMode: 0o640 })]
  const inside = runProbe(t, box, ['stat:/dev/a', 'stat:/dev/b'], { linux: { devices } })
  t.match(inside.text('stat:/dev/a'), /^char 0666 0:0 1:3/)
  t.match(inside.text('stat:/dev/b'), /^fifo 0640 0:0/)
})

scenario('a file at the path that is not the device MUST be an error, and stays', {}, (t, box) => {
  for (const [device, there] of [
    [node('/etc/passwd'), true],
    [node('/dev/x', { minor: 5 }), false],
  ] as const) {
    const devices = there ? [device] : [node('/dev/x'), device]
    const bundle = box.bundle({ root: writable, linux: { devices } }, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, /linux\.devices\[[01]\] \(\/(etc\/passwd|dev\/x)\): .*EEXIST/)
  }
})

scenario('MUST supply the default devices, also where the config has some of them', {}, (t, box) => {
  const devices = [
    node('/dev/null', { fileMode: 0o640, gid: 5 }),
    node('/dev/tty', { major: 5, minor: 0 }),
    node('/dev/ptmx', { major: 5, minor: 2 }),
    node('/dev/null2'),
  ]
  const topics = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'null2'].map(
    (name) => `stat:/dev/${name}`,
  )
  const inside = runProbe(t, box, topics, { linux: { devices } })
  t.match(inside.text('stat:/dev/null'), /^char 0640 0:5 1:3/, 'as the config wants it')
  t.match(
    inside.text('stat:/dev/ptmx'),
    /^symlink .* -> pts\/ptmx/,
    'of the container’s own devpts, whatever the config says',
  )
  for (const [name, number] of Object.entries({
    zero: '1:5',
    full: '1:7',
    random: '1:8',
    urandom: '1:9',
    tty: '5:0',
  })) {
    t.match(inside.text(`stat:/dev/${name}`), new RegExp(`^char 0666 0:0 ${number}`), name)
  }
  t.match(inside.text('stat:/dev/null2'), /^char/, 'SHOULD NOT be used twice is no MUST NOT')
})

scenario('MUST create the symbolic links; what an image or a device has there stays', {}, (t, box) => {
  const topics = ['fd', 'stdin', 'stdout', 'stderr'].map((name) => `stat:/dev/${name}`)
  const patch = {
    root: writable,
    mounts: mountsWithout('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'),
    linux: { devices: [node('/dev/stderr')] },
  }
  const bundle = box.bundle(probing(topics, patch))
  symlinkSync('fd/0', join(bundle.rootfs, 'dev/stdin'))
  writeFileSync(join(bundle.rootfs, 'dev/stdout'), 'own')
  const inside = probeBundle(t, box, bundle)
  t.match(inside.text('stat:/dev/fd'), /-> \/proc\/self\/fd$/)
  t.match(inside.text('stat:/dev/stdin'), /-> fd\/0$/)
  t.match(inside.text('stat:/dev/stdout'), /^file/)
  t.match(inside.text('stat:/dev/stderr'), /^char/)
})

scenario('MAY supply them by bind mounts, where mknod is not allowed', {}, (t, box) => {
  const devices = [
    node('/dev/again'),
    node('/opt/null'),
    node('/opt/pipe', { type: 'p' }),
    node('/dev/tty', { major: 5, minor: 0 }),
  ]
  const topics = ['stat:/opt/null', 'write:/opt/null', 'stat:/opt/pipe', 'stat:/dev/tty', 'write:/dev/zero']
  // The host has no /dev/again, and no /opt/null with this number.
  const [, , ...possible] = devices
  const bundle = box.bundle(probing(topics.slice(2), { root: writable, ...inUserNamespace(possible) }))
  mkdirSync(join(bundle.rootfs, 'opt'))
  chownSync(join(bundle.rootfs, 'opt'), 100000, 100000)
  const inside = probeBundle(t, box, bundle)
  t.match(inside.text('stat:/opt/pipe'), /^fifo 0666 0:0/, 'a FIFO needs no privilege')
  t.match(inside.text('stat:/dev/tty'), /^char .* 5:0/)
  t.equal(inside.text('write:/dev/zero'), 'ok')
  const missing = box.bundle(inUserNamespace(devices.slice(0, 1)), { name: 'missing' })
  const result = box.call(['run', '--bundle', missing.dir, box.id()])
  t.not(result.status, 0, 'which the host does not have, cannot be bound')
  t.match(result.stderr, /linux\.devices\[0\] \(\/dev\/again\): .*ENOENT/)
})
