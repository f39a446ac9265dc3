/* Which mounts of a container belong to the host, their names, and which are refused. */
import t from 'tap'
import { parseConfig } from '../config/parse-config.ts'
import { parseMountTable } from '../host/mount-table.ts'
import { allMounts, externalMounts } from './external.ts'
import { nameMounts } from './name-mounts.ts'

const { config } = parseConfig(
  JSON.stringify({
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
    mounts: [{ destination: '/data', type: 'bind', source: 'data', options: ['rbind'] }],
    linux: {
      namespaces: [{ type: 'mount' }],
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
      maskedPaths: ['/data'],
    },
  }),
  'config.json',
)
const sources = { bundle: '/bundle', host: { mode: 'none', hierarchies: [] }, cgroups: {} } as const

t.test('mounts of the host below a recursive source, and their read-only forms', async (t) => {
  const table = parseMountTable('1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /bundle/data/a rw - ext4 b rw\n')
  const all = allMounts(externalMounts(config, sources), table, ({ source }) => source)
  const of = (name: string) => all.find((mount) => mount.name === name)
  t.match(of('/data/a'), { source: '/bundle/data/a', isReadOnly: false })
  t.match(of('/data/a (read-only)'), { source: '/bundle/data/a', isReadOnly: true })
})

/** The names of a container's mounts by mount point; `found` has the identity of the sources on the host. */
function named(lines: readonly string[], found: Readonly<Record<string, string>>, linux = config.linux) {
  const hosts = allMounts(externalMounts(config, sources), [], () => undefined).map((mount) => {
    const [device, root] = (found[mount.source] ?? '').split(' ')
    return { mount, found: device && root ? { device, root } : { problem: 'ENOENT' } }
  })
  const root = '50 40 8:1 /bundle/rootfs / rw - ext4 /dev/vda rw'
  const names = nameMounts(parseMountTable([root, ...lines, ''].join('\n')), hosts, linux)
  return Object.fromEntries(names.map(({ point, name }) => [point, name]))
}

t.test('a mount is named by its source, at any place', async (t) => {
  const lines = [
    '51 50 0:50 / /proc rw - proc proc rw',
    '52 50 0:51 / /dev rw - tmpfs tmpfs rw',
    '53 51 0:51 /null /proc/kcore rw - tmpfs tmpfs rw',
    '54 50 8:2 / /link\\040ed ro - ext4 /dev/vdb rw',
    '55 52 0:5 /fuse /dev/fuse rw - devtmpfs udev rw',
    '56 51 0:50 /sys /proc/sys ro - proc proc rw',
    '57 50 8:1 /bundle/rootfs/a /b rw - ext4 /dev/vda rw',
    '58 50 8:2 /sub /c rw - ext4 /dev/vdb rw',
  ]
  const names = named(lines, { '/bundle/data': '8:2 /', '/dev/fuse': '0:5 /fuse' })
  t.same(names, { '/link ed': '/data (read-only)', '/dev/fuse': '/dev/fuse' })
})

const data = '54 50 8:1 /bundle/data /data rw - ext4 /dev/vda rw'
const fixed = '55 54 8:1 /bundle/data /data ro - ext4 /dev/vda rw'
const found = { '/bundle/data': '8:1 /bundle/data', '/dev/null': '0:5 /null' }

t.test('a mount of the host is named by the mount that covers it', async (t) => {
  const over = (line: string, ...more: readonly string[]) => named([data, line, ...more], found)
  t.same(over(fixed), { '/data': '/data (read-only)' })
  t.same(over('55 54 0:51 /null /data rw - tmpfs tmpfs rw', '52 50 0:51 / /dev rw - tmpfs tmpfs rw'), {
    '/data': '/dev/null',
  })
  t.same(over('55 54 0:60 / /data ro - tmpfs tmpfs rw'), { '/data': 'linux.maskedPaths' })
  const slave = data.replace(' - ', ' master:1 - ')
  t.throws(() => named([slave, '55 54 0:60 / /data ro - tmpfs tmpfs rw'], found), /receives mounts of the host/)
  t.same(named([slave, fixed], found), { '/data': '/data (read-only)' })
  t.throws(() => over('55 54 0:60 / /data rw - tmpfs tmpfs rw'), /cannot be restored: CRIU cannot tell it from what is/)
  t.throws(
    () => over('55 54 0:60 / /data ro - tmpfs tmpfs rw', '56 54 0:61 / /data/x rw - tmpfs tmpfs rw'),
    /cannot be restored: it is covered, and something is mounted in it/,
  )
})

t.test('in a user namespace a read-only source could not be made writable for the mount that is covered', async (t) => {
  const linux = { ...config.linux, namespaces: [{ type: 'user' as const }] }
  t.same(named([data, fixed], found, linux), { '/data': '/data' })
  const masked = (options: string) =>
    named([data.replace(' rw - ', ` ${options} - `), '55 54 0:60 / /data ro - tmpfs tmpfs rw'], found, linux)
  t.same(masked('rw,relatime'), { '/data': 'linux.maskedPaths' })
  t.throws(() => masked('rw,noatime'), /has flags of its own, which a user namespace locks/)
  const wider = '56 50 8:1 /bundle /a ro - ext4 /dev/vda rw'
  t.throws(() => named([data, fixed, wider], { ...found, '/dev/fuse': '8:1 /bundle' }, linux), /read-only again/)
})

t.test('a mount without a name is refused, with the reason', async (t) => {
  const at =
    (line: string, source = '8:1 /bundle/data') =>
    () =>
      named([line], { '/bundle/data': source })
  t.throws(at('54 50 8:1 /bundle/data//deleted /data rw - ext4 a rw'), {
    code: 'state',
    message: 'mounts[0] (data at /data): cannot be restored: its source has been deleted',
  })
  t.throws(at('54 50 8:1 /other /data rw - ext4 a rw'), /its source is another file now/)
  t.throws(at('54 50 8:1 /other /data rw - ext4 a rw', ''), /\/bundle\/data: ENOENT/)
  t.throws(at('54 50 8:1 /other /x rw - ext4 a rw'), /mount at \/x: cannot be restored: no property of the config/)
  t.throws(at('54 50 8:1 /bundle/data /data rw,idmapped - ext4 a rw'), /CRIU does not restore id-mapped mounts/)
})
