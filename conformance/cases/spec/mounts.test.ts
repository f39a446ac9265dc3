/*
 * Mounts with special handling (config.md, "Mounts"): read-only ones that contain others, targets in which the runtime creates files,
 * and file systems with long options.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { runProbe } from '../../harness/probe.ts'
import { either, needsCapability, needsCommand } from '../../harness/requires.ts'
import { scenario } from '../../harness/scenario.ts'

const writable = { path: 'rootfs', readonly: false }

const tmpfs = (destination: string, ...options: string[]): Json => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})

/** The default mounts with one of them changed. */
const changed = (destination: string, ...options: string[]): readonly Json[] =>
  defaultConfig.mounts.map((mount) =>
    mount.destination === destination ? { ...mount, options: [...(mount.options ?? []), ...options] } : mount,
  )

scenario('a read-only /dev has its devices, links and mounts', {}, (t, box) => {
  const inside = runProbe(t, box, ['stat:/dev/null', 'stat:/dev/fd', 'stat:/dev/pts/ptmx', 'create:/dev/new'], {
    mounts: changed('/dev', 'ro'),
  })
  t.match(inside.text('stat:/dev/null'), /^char 0666 0:0 1:3/)
  t.match(inside.text('stat:/dev/fd'), /^symlink/)
  t.match(inside.text('stat:/dev/pts/ptmx'), /^char/)
  t.equal(inside.text('create:/dev/new'), 'EROFS')
})

scenario('a bind mount of a namespace file works', {}, (t, box) => {
  const source = `/proc/${process.pid}/ns/uts`
  const mount = { destination: '/uts', type: 'bind', source, options: ['bind'] }
  const inside = runProbe(t, box, ['file:/proc/self/mountinfo'], { mounts: mountsWith(mount) })
  t.match(inside.text('file:/proc/self/mountinfo'), / \/uts .* - nsfs /)
  const bundle = box.bundle({ mounts: mountsWith({ ...mount, source: `/proc/${process.pid}/root/etc/hostname` }) })
  const refused = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(refused.status, 1)
  t.match(refused.stderr, /mounts\[7\] .*ELOOP .*magic link/)
})

scenario('a read-only tmpfs takes the targets of later mounts', {}, (t, box) => {
  const source = join(box.dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'secret')
  const bind = { destination: '/run/a/b', type: 'bind', source, options: ['bind'] }
  const inside = runProbe(t, box, ['file:/run/a/b/file', 'create:/run/new'], {
    mounts: mountsWith(tmpfs('/run', 'ro'), bind),
  })
  t.equal(inside.text('file:/run/a/b/file'), 'secret')
  t.equal(inside.text('create:/run/new'), 'EROFS')
})

scenario('a mount of the config at a default device or link stays', {}, (t, box) => {
  const file = join(box.dir, 'log')
  writeFileSync(file, '')
  const bind = (destination: string): Json => ({ destination, type: 'bind', source: file, options: ['bind'] })
  const bundle = box.bundle({
    process: { args: ['sh', '-c', 'echo one >/dev/stdout; echo two >/dev/tty'] },
    mounts: mountsWith(bind('/dev/stdout'), bind('/dev/tty')),
  })
  const result = box.call(['run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  t.equal(readFileSync(file, 'utf8'), 'two\n', 'both are the file, which the second opening has cut')
})

scenario('sysctl and oomScoreAdj are set with a read-only procfs', {}, (t, box) => {
  const inside = runProbe(
    t,
    box,
    ['file:/proc/sys/kernel/shmmni', 'file:/proc/self/oom_score_adj', 'write:/proc/self/oom_score_adj'],
    {
      process: { oomScoreAdj: 77 },
      mounts: changed('/proc', 'ro'),
      linux: { sysctl: { 'kernel.shmmni': '321' } },
    },
  )
  t.equal(inside.text('file:/proc/sys/kernel/shmmni'), '321')
  t.equal(inside.text('file:/proc/self/oom_score_adj'), '77')
  t.equal(inside.text('write:/proc/self/oom_score_adj'), 'EROFS')
})

scenario(
  'a score below the caller’s, in a user namespace',
  { skip: needsCapability(24n, 'CAP_SYS_RESOURCE') },
  (t, box) => {
    const range = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const patch: Patch = {
      process: { oomScoreAdj: -500 },
      linux: {
        namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
        uidMappings: range,
        gidMappings: range,
      },
    }
    t.equal(runProbe(t, box, ['file:/proc/self/oom_score_adj'], patch).text('file:/proc/self/oom_score_adj'), '-500')
  },
)

scenario('an overlay with more layers than fsconfig takes in one string', {}, (t, box) => {
  const layers = Array.from({ length: 12 }, (_, i) => join(box.dir, `layer-${i}-${'x'.repeat(30)}`))
  for (const [i, layer] of layers.entries()) {
    mkdirSync(layer)
    writeFileSync(join(layer, `file${i}`), `${i}`)
  }
  const [upper, work] = [join(box.dir, 'upper'), join(box.dir, 'work')]
  for (const dir of [upper, work]) mkdirSync(dir)
  const options = [`lowerdir=${layers.join(':')}`, `upperdir=${upper}`, `workdir=${work}`, 'nosuid', 'nodev', 'ro']
  const overlay = { destination: '/merged', type: 'overlay', source: 'overlay', options }
  const root = { path: 'rootfs', readonly: false }
  const topics = ['dir:/merged', 'create:/merged/new', 'file:/proc/self/mountinfo']
  const inside = runProbe(t, box, topics, { root, mounts: mountsWith(overlay) })
  t.equal(inside.lines('dir:/merged').length, 12)
  t.equal(inside.text('create:/merged/new'), 'EROFS')
  const line = inside.mounts().find(({ target }) => target === '/merged')
  t.match(line, { type: 'overlay' })
  t.ok(['nosuid', 'nodev', 'ro'].every((option) => line?.options.includes(option)))
})

scenario(
  'a file system on a read-only device',
  { skip: either(needsCommand('mke2fs'), needsCommand('losetup')) },
  (t, box) => {
    const image = join(box.dir, 'image')
    writeFileSync(image, Buffer.alloc(1 << 20))
    execFileSync('mke2fs', ['-q', image])
    let loop: string
    try {
      loop = execFileSync('losetup', ['--find', '--show', '--read-only', image], { encoding: 'utf8' }).trim()
    } catch {
      return t.comment('SKIP: no loop devices')
    }
    box.defer(() => spawnSync('losetup', ['--detach', loop]))
    const mount = { destination: '/disk', type: 'ext4', source: loop, options: ['ro', 'nosuid'] }
    const inside = runProbe(t, box, ['dir:/disk', 'create:/disk/new'], { mounts: mountsWith(mount), root: writable })
    t.same(inside.lines('dir:/disk'), ['lost+found'])
    t.equal(inside.text('create:/disk/new'), 'EROFS')
  },
)

scenario('an unknown option of the file system is an error that names it', {}, (t, box) => {
  for (const [mount, message] of [
    [
      tmpfs('/x', 'nosuchoption=1'),
      /mounts\[7\]\.options\[0\] \(tmpfs at \/x\): fsconfig nosuchoption=1: EINVAL .*nosuchoption/,
    ],
    [tmpfs('/x', 'size=huge'), /mounts\[7\]\.options\[0\] \(tmpfs at \/x\): fsconfig size=huge: EINVAL/],
    [{ destination: '/x', type: 'nosuchfs', source: 'none' }, /mounts\[7\] \(nosuchfs at \/x\): fsopen.*: ENODEV/],
  ] as const) {
    const bundle = box.bundle({ mounts: mountsWith(mount) }, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
})

/** Options of a bind mount in the container, by those of its source and its own. */
const boundOptions = [
  ['ro,nosuid,noexec', [], 'ro,nosuid,noexec'],
  ['ro,nosuid,noexec', ['nodev'], 'rw,nodev'],
  ['nodev,nosuid,noexec', ['ro'], 'ro'],
  ['ro', ['rw', 'nosuid'], 'rw,nosuid'],
  ['nosuid,noatime', ['ro'], 'ro,noatime'],
] as const

scenario(
  'a bind mount has exactly the options of the config',
  { peers: { runc: '1.1 keeps noatime otherwise' } },
  (t, box) => {
    const source = join(box.dir, 'source')
    mkdirSync(source)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', source])
    box.defer(() => execFileSync('umount', [source]))
    boundOptions.forEach(([ofSource, own, expected], index) => {
      // Only the mount: the file system stays unchanged.
      execFileSync('mount', ['-o', 'remount,bind,rw,suid,dev,exec,relatime', source])
      execFileSync('mount', ['-o', `remount,bind,${ofSource}`, source])
      const bind = { destination: '/mnt', type: 'bind', source, options: ['bind', 'rprivate', ...own] }
      const bundle = box.bundle(
        { process: { args: ['awk', '$5 == "/mnt" { print $6 }', '/proc/self/mountinfo'] }, mounts: mountsWith(bind) },
        { name: `bundle-${index}` },
      )
      const result = box.call(['run', '--bundle', bundle.dir, box.id()])
      const found = result.stdout.trim().split(',')
      t.same(
        found.filter((option) => option !== 'relatime').sort(),
        expected.split(',').sort(),
        `${ofSource} bound with ${own.join() || 'none'}`,
      )
    })
  },
)

scenario(
  'without a mount namespace the root is a mount of its own, which goes with the container',
  { peers: { runc: 'leaves its mounts', crun: 'refuses it' } },
  (t, box) => {
    const bundle = box.bundle({
      process: { args: ['sh', '-c', 'touch /new; awk \'$5 == "/" { print $6 }\' /proc/self/mountinfo'] },
      root: { path: 'rootfs', readonly: true },
      linux: { namespaces: [{ type: 'pid' }, { type: 'uts' }], maskedPaths: [], readonlyPaths: [] },
    })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.match(result.stderr, /touch: .*Read-only file system/)
    t.match(result.stdout, /^ro,/m, 'as readonly says')
    t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), bundle.rootfs)
  },
)
