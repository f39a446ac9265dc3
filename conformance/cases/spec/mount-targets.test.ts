/*
 * config.md, "Mounts": sources and destinations. The order of the entries, relative destinations, sources that are files of any kind,
 * targets that are missing or lead through links, and the file systems of config-linux.md, "Default Filesystems". ../security/links.test.ts
 * and ../security/races.test.ts have attacks by links.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { probeBundle, probing, runProbe } from '../../harness/probe.ts'
import { hasV1, needsV1 } from '../../harness/requires.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const writable = { path: 'rootfs', readonly: false }
const tmpfs = (destination: string, ...options: string[]): Json => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})
const bind = (destination: string, source: string, ...options: string[]): Json => ({
  destination,
  type: 'bind',
  source,
  options: ['bind', ...options],
})
const withMounts = (...mounts: readonly Json[]): Patch => ({ root: writable, mounts: mountsWith(...mounts) })

/** A directory of the host with one file in it. */
function makeSource(box: Box, name: string): string {
  const source = join(box.dir, name)
  mkdirSync(source)
  writeFileSync(join(source, name), name)
  return source
}

scenario('MUST mount entries in the listed order', {}, (t, box) => {
  const [first, second] = [makeSource(box, 'first'), makeSource(box, 'second')]
  const inside = runProbe(
    t,
    box,
    ['dir:/a', 'dir:/b', 'dir:/b/below'],
    withMounts(bind('/a', first), bind('/a', second), bind('/b/below', first), tmpfs('/b'), bind('/b/below', second)),
  )
  t.same(inside.lines('dir:/a'), ['second'], 'the later one covers')
  t.same(inside.lines('dir:/b'), ['below'], 'also what was mounted below')
  t.same(inside.lines('dir:/b/below'), ['second'])
})

scenario('a relative destination MUST be taken as relative to /, with a warning', {}, (t, box) => {
  const source = makeSource(box, 'source')
  const bundle = box.bundle(probing(['dir:/x/y'], withMounts(bind('x//./y/', source))))
  const log = join(box.dir, 'log')
  const result = box.call(['--log', log, 'run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.match(result.stdout, '== dir:/x/y\nsource\n')
  t.match(readFileSync(log, 'utf8'), /mounts\[7\]\.destination: relative paths are deprecated/)
})

scenario('a bind mount of the host’s /dev stays unchanged, however it is spelled', {}, (t, box) => {
  const dev = join(box.dir, 'dev')
  mkdirSync(dev)
  for (const destination of ['/dev/', '//dev', '/./dev/.']) {
    const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, bind(destination, dev)]
    runProbe(t, box, ['dir:/dev'], { root: writable, mounts, linux: { maskedPaths: [], readonlyPaths: [] } })
    t.equal(execFileSync('ls', ['-A', dev], { encoding: 'utf8' }), '', `no devices in ${destination}`)
  }
})

scenario('sources of every kind, with targets that are made', {}, (t, box) => {
  const source = makeSource(box, 'file')
  execFileSync('mkfifo', [join(source, 'fifo')])
  symlinkSync('file', join(source, 'link'))
  const server = createServer().listen(join(source, 'socket'))
  box.defer(() => server.close())
  const names = ['file', 'fifo', 'link', 'socket'] as const
  const inside = runProbe(
    t,
    box,
    [...names, 'dev', 'deep/dir'].map((name) => `stat:/run/${name}`).concat('file:/run/link', 'write:/run/dev'),
    withMounts(
      ...names.map((name) => bind(`/run/${name}`, join(source, name))),
      bind('/run/dev', '/dev/null', 'ro'),
      bind('/run/deep/dir', source),
    ),
  )
  t.match(inside.text('stat:/run/file'), /^file/)
  t.match(inside.text('stat:/run/fifo'), /^fifo/)
  t.match(inside.text('stat:/run/link'), /^file/, 'a link is followed')
  t.match(inside.text('stat:/run/socket'), /^socket/)
  t.equal(inside.text('file:/run/link'), 'file')
  t.match(inside.text('stat:/run/dev'), /^char .* 1:3/)
  t.equal(inside.text('write:/run/dev'), 'ok', 'read-only is the mount, not the device')
  t.match(inside.text('stat:/run/deep/dir'), /^dir/)
})

scenario('a source relative to the bundle; one that is missing, or of another kind than the target', {}, (t, box) => {
  t.equal(
    runProbe(t, box, ['file:/run/p'], withMounts(bind('/run/p', 'rootfs/etc/passwd'))).lines('file:/run/p').length,
    2,
  )
  const source = makeSource(box, 'source')
  for (const [mount, message] of [
    [bind('/run/x', join(box.dir, 'missing')), /mounts\[7\] \(.*missing at \/run\/x\): open_tree: ENOENT/],
    [bind('/etc/passwd', source), /mounts\[7\] .*: move_mount: ENOTDIR/],
    [bind('/etc', join(source, 'source')), /mounts\[7\] .*: move_mount: ENOTDIR/],
  ] as const) {
    const bundle = box.bundle(withMounts(mount), { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})

scenario('links in a target stay inside the root, and missing directories are made there', {}, (t, box) => {
  const [source, outside] = [makeSource(box, 'source'), makeSource(box, 'outside')]
  const links = { absolute: outside, up: `${'../'.repeat(30)}${outside.slice(1)}`, dangling: '/nowhere/yet' }
  const targets = Object.keys(links).map((name) => bind(`/${name}/new`, source))
  const topics = [`dir:${outside}/new`, 'dir:/nowhere/yet/new']
  const bundle = box.bundle(probing(topics, withMounts(...targets)))
  for (const [name, to] of Object.entries(links)) symlinkSync(to, join(bundle.rootfs, name))
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.notOk(existsSync(join(outside, 'new')), 'nothing was made on the host')
  t.equal((result.stdout.match(/^source$/gm) ?? []).length, 2)
})

scenario('SHOULD be available: proc, sysfs, devpts, tmpfs; and mqueue, overlay, a second proc', {}, (t, box) => {
  const lower = makeSource(box, 'lower')
  const overlay = { destination: '/merged', type: 'overlay', source: 'overlay', options: [`lowerdir=${lower}:/etc`] }
  const proc = { destination: '/proc2', type: 'proc', source: 'proc', options: ['ro', 'hidepid=2'] }
  const inside = runProbe(
    t,
    box,
    ['file:/proc/self/mountinfo', 'dir:/merged', 'file:/proc2/self/oom_score_adj'],
    withMounts(overlay, proc),
  )
  const types = Object.fromEntries(inside.mounts().map(({ target, type }) => [target, type]))
  t.match(types, {
    '/proc': 'proc',
    '/sys': 'sysfs',
    '/dev/pts': 'devpts',
    '/dev/shm': 'tmpfs',
    '/dev/mqueue': 'mqueue',
    '/merged': 'overlay',
    '/proc2': 'proc',
  })
  t.ok(inside.lines('dir:/merged').includes('lower') && inside.lines('dir:/merged').includes('passwd'))
})

scenario(
  'sysfs without a network namespace shows the host’s devices; in a user namespace the kernel refuses it',
  {},
  (t, box) => {
    const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
    const inside = runProbe(t, box, ['dir:/sys/class/net'], { linux: { namespaces } })
    t.same(
      [...inside.lines('dir:/sys/class/net')].sort(),
      execFileSync('ls', ['/sys/class/net'], { encoding: 'utf8' }).split('\n').filter(Boolean).sort(),
    )
    const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const linux = { namespaces: [...namespaces, { type: 'user' }], uidMappings: range, gidMappings: range }
    const bundle = box.bundle({ linux }, { name: 'mapped' })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, /mounts\[5\] \(sysfs at \/sys\): .*EPERM/)
  },
)

scenario(
  'a mount of type cgroup2 is the unified hierarchy, where v1 is in use as well',
  { skip: needsV1('pids') },
  (t, box) => {
    const inside = runProbe(
      t,
      box,
      ['file:/proc/self/mountinfo', 'dir:/cg2'],
      withMounts({ destination: '/cg2', type: 'cgroup2', source: 'cgroup2', options: ['ro'] }),
    )
    const line = inside.mounts().find(({ target }) => target === '/cg2')
    t.match(line, { type: 'cgroup2' })
    t.ok(line?.options.includes('ro'))
    t.ok(inside.lines('dir:/cg2').includes('cgroup.procs'))
    t.equal(hasV1('pids'), true)
  },
)

scenario('a file over a standard stream of /dev, and over /dev/console', {}, (t, box) => {
  const file = join(box.dir, 'input')
  writeFileSync(file, 'input\n')
  const mounts = ['/dev/stdin', '/dev/console', '/dev/fd'].map((destination) => bind(destination, file))
  const bundle = box.bundle(probing(['file:/dev/stdin', 'file:/dev/console', 'file:/dev/fd'], withMounts(...mounts)))
  const inside = probeBundle(t, box, bundle)
  for (const name of ['stdin', 'console', 'fd']) t.equal(inside.text(`file:/dev/${name}`), 'input', name)
  t.equal(readFileSync(file, 'utf8'), 'input\n')
})
