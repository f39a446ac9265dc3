/*
 * A container with a user namespace of its own (config-linux.md, "User namespace mappings"): ids, devices, which cannot be created but are
 * available, ownership of the runtime's mounts; and "Offset for Time Namespace".
 */
import { chownSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json, Patch } from '../../harness/bundle.ts'
import { probeBundle, probing, runProbe } from '../../harness/probe.ts'
import { scenario } from '../../harness/scenario.ts'

const range = (hostID: number, size: number, containerID = 0): Json => ({ containerID, hostID, size })
const mapped = (uids: readonly Json[], gids = uids, more: readonly string[] = [], patch: Patch = {}): Patch => ({
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user', ...more].map((type) => ({ type })),
    uidMappings: uids,
    gidMappings: gids,
    ...patch,
  },
})

/** Columns of uid_map: the kernel pads them. */
const ids = (text: string): string[] => text.split('\n').map((line) => line.trim().split(/ +/).join(' '))

scenario('the mappings are those of the config', {}, (t, box) => {
  const uids = [range(100000, 1000), range(300000, 5, 2000)]
  const gids = [range(200000, 1000), range(400000, 5, 3000)]
  const inside = runProbe(t, box, ['file:/proc/self/uid_map', 'file:/proc/self/gid_map', 'process'], {
    ...mapped(uids, gids),
    process: { user: { uid: 2001, gid: 3002, additionalGids: [7, 3004] } },
  })
  t.same(ids(inside.text('file:/proc/self/uid_map')), ['0 100000 1000', '2000 300000 5'])
  t.same(ids(inside.text('file:/proc/self/gid_map')), ['0 200000 1000', '3000 400000 5'])
  t.match(inside.pairs('process'), { uid: '2001 2001', gid: '3002 3002', groups: '7 3004' })
})

scenario('devices are bind-mounted from the host and work', {}, (t, box) => {
  const topics = [
    'stat:/dev/null',
    'write:/dev/null',
    'stat:/dev/full',
    'stat:/dev/pts/ptmx',
    'stat:/dev/ptmx',
    'mknod:c:1:3:/tmp/x',
  ]
  const inside = runProbe(t, box, topics, {
    ...mapped([range(100000, 65536)]),
    root: { path: 'rootfs', readonly: false },
  })
  t.match(inside.text('stat:/dev/null'), /^char 0666 \d+:\d+ 1:3/)
  t.equal(inside.text('write:/dev/null'), 'ok')
  t.match(inside.text('stat:/dev/full'), /^char 0666 \d+:\d+ 1:7/)
  t.match(inside.text('stat:/dev/pts/ptmx'), /^char/)
  t.match(inside.text('stat:/dev/ptmx'), /^symlink/)
  t.not(inside.text('mknod:c:1:3:/tmp/x'), 'ok')
})

scenario('a device of the config that the host does not have is an error', {}, (t, box) => {
  const devices = [{ path: '/dev/no-such-device', type: 'c', major: 10, minor: 200 }]
  const bundle = box.bundle(mapped([range(100000, 65536)], undefined, [], { devices }))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /linux\.devices\[0\] \(\/dev\/no-such-device\): .*ENOENT/)
})

scenario('mounts belong to the container’s root', {}, (t, box) => {
  const inside = runProbe(
    t,
    box,
    ['stat:/dev', 'stat:/dev/shm', 'stat:/proc/self', 'create:/dev/shm/x'],
    mapped([range(100000, 65536)]),
  )
  for (const path of ['/dev', '/dev/shm', '/proc/self']) t.match(inside.text(`stat:${path}`), / 0:0 /, path)
  t.equal(inside.text('create:/dev/shm/x'), 'ok')
})

scenario('files of the root file system are seen through the mappings', {}, (t, box) => {
  const bundle = box.bundle(probing(['stat:/etc/of-root', 'stat:/etc/of-100007'], mapped([range(100000, 65536)])))
  for (const [name, id] of [
    ['of-root', 0],
    ['of-100007', 100007],
  ] as const) {
    writeFileSync(join(bundle.rootfs, 'etc', name), '')
    chownSync(join(bundle.rootfs, 'etc', name), id, id)
  }
  const inside = probeBundle(t, box, bundle)
  t.match(inside.text('stat:/etc/of-root'), / 65534:65534 /)
  t.match(inside.text('stat:/etc/of-100007'), / 7:7 /)
})

scenario('hostname, sysctl and limits of namespaces that it owns', {}, (t, box) => {
  const patch = mapped([range(100000, 65536)], undefined, [], {
    sysctl: { 'net.ipv4.ip_forward': '1', 'kernel.shmmni': '77' },
  })
  const inside = runProbe(
    t,
    box,
    ['hostname', 'file:/proc/sys/net/ipv4/ip_forward', 'file:/proc/sys/kernel/shmmni'],
    patch,
  )
  t.match(inside.text('hostname'), /conformance/)
  t.equal(inside.text('file:/proc/sys/net/ipv4/ip_forward'), '1')
  t.equal(inside.text('file:/proc/sys/kernel/shmmni'), '77')
})

for (const withUser of [false, true]) {
  scenario(`clocks of a time namespace, ${withUser ? 'with' : 'without'} a user namespace`, {}, (t, box) => {
    const timeOffsets = { boottime: { secs: 5_000_000, nanosecs: 0 }, monotonic: { secs: 7, nanosecs: 5 } }
    const linux = withUser
      ? mapped([range(100000, 65536)], undefined, ['time'], { timeOffsets })
      : {
          linux: {
            namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'time'].map((type) => ({ type })),
            timeOffsets,
          },
        }
    const inside = runProbe(t, box, ['file:/proc/uptime', 'file:/proc/self/timens_offsets'], linux)
    t.ok(Number.parseFloat(inside.text('file:/proc/uptime')) > 5_000_000)
    t.ok(Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) < 5_000_000, 'ours is not touched')
    t.same(ids(inside.text('file:/proc/self/timens_offsets')), ['monotonic 7 5', 'boottime 5000000 0'])
  })
}

scenario('ids that are not mapped are refused by their property', {}, (t, box) => {
  for (const [process, message] of [
    [{ user: { uid: 70000, gid: 0 } }, /process\.user\.uid: 70000 is not mapped by linux\.uidMappings/],
    [{ user: { uid: 0, gid: 70000 } }, /process\.user\.gid: 70000 is not mapped/],
    [
      { user: { uid: 0, gid: 0, additionalGids: [1, 70000] } },
      /process\.user\.additionalGids\[1\]: 70000 is not mapped/,
    ],
  ] as const) {
    const bundle = box.bundle({ ...mapped([range(100000, 65536)]), process }, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})
