/*
 * Mounts of a container that is saved and restored (runc-checkpoint(8), runc-restore(8)): however destinations and sources are spelled,
 * the restored container has the same mounts. A mount that could not be restored is refused while the container runs.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Bundle, type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { counter, counting, inMemory, needsCriu, quietly, saveAndRestore } from '../../harness/criu.ts'
import { bind, tmpfs } from '../../harness/mounts.ts'
import { parseMount } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

const skip = needsCriu

/** A directory on the host with these files. */
function volume(box: Box, name: string, files: Readonly<Record<string, string>> = {}): string {
  const dir = join(box.dir, name)
  mkdirSync(dir)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text)
  return dir
}

const bundleWith = (box: Box, mounts: readonly Json[], patch: Patch = {}): Bundle =>
  box.bundle({ ...counting, root: { readonly: false }, ...patch, mounts: mountsWith(...mounts) })

const inside = (box: Box, id: string, ...args: readonly string[]): string => {
  const { stdout, stderr } = box.call(['exec', id, ...args])
  return stdout.trim() || stderr.trim()
}

/** The mounts in the container: place, root and options, without ids that differ between file systems. */
function mountTable(box: Box, id: string): readonly string[] {
  const lines = inside(box, id, 'cat', '/proc/self/mountinfo').split('\n')
  const fields = lines.map((line) => line.split(' '))
  const isCovered = ([id, , , , point]: readonly string[]) =>
    fields.some(([, parent, , , over]) => parent === id && over === point)
  return lines
    .filter((_, index) => !isCovered(fields[index] ?? []))
    .map(parseMount)
    .map(({ root, target, type, options }) => {
      // A masked file is covered by the container's null device before the restore and by the host's afterwards.
      if (root === '/null') return `${target} null`
      return `${target} ${type} ${type.startsWith('cgroup') ? '' : root} ${[...options].sort()}`
    })
    .sort()
}

/** Runs the container, saves and restores it twice, and checks that its mounts and answers are unchanged. */
async function survives(
  t: Test,
  box: Box,
  bundle: Bundle,
  answers: Readonly<Record<string, string>>,
  between?: () => void,
): Promise<string> {
  const id = await counter(t, box, bundle.dir)
  const before = mountTable(box, id)
  const ask = (when: string) => {
    for (const [script, answer] of Object.entries(answers))
      t.equal(inside(box, id, 'sh', '-c', script), answer, `${when}: ${script}`)
  }
  ask('before')
  await saveAndRestore(t, box, id, { bundle: bundle.dir, rounds: 2, ...(between && { between }) })
  t.same(mountTable(box, id), before, 'the same mounts')
  ask('after')
  t.equal(box.call(['delete', '--force', id]).status, 0)
  return id
}

scenario('a mount destination behind links of the image is restored', { skip }, async (t, box) => {
  const secrets = volume(box, 'secrets', { token: 'sesame' })
  const bundle = bundleWith(box, [
    bind('/var/run/secrets', secrets, 'rbind', 'ro'),
    bind('/link/token', join(secrets, 'token'), 'bind'),
  ])
  mkdirSync(join(bundle.rootfs, 'run'))
  mkdirSync(join(bundle.rootfs, 'deep/er'), { recursive: true })
  symlinkSync('/run', join(bundle.rootfs, 'var/run'))
  symlinkSync('../deep/../deep/er', join(bundle.rootfs, 'link'))
  await survives(t, box, bundle, { 'cat /run/secrets/token': 'sesame', 'cat /deep/er/token': 'sesame' })
})

scenario('sources: links, relative ones, the bundle itself', { skip }, async (t, box) => {
  const real = volume(box, 'real', { file: 'real' })
  symlinkSync('real', join(box.dir, 'link'))
  symlinkSync('real/file', join(box.dir, 'file-link'))
  const bundle = bundleWith(box, [
    bind('/by-link', join(box.dir, 'link'), 'rbind'),
    bind('/file', join(box.dir, 'file-link'), 'bind'),
    bind('/bundle', '.', 'rbind'),
    bind('/relative', 'own', 'rbind'),
    bind('/slashes', `${real}//./`, 'bind'),
  ])
  mkdirSync(join(bundle.dir, 'own'))
  writeFileSync(join(bundle.dir, 'own/file'), 'own')
  await survives(t, box, bundle, {
    'cat /by-link/file': 'real',
    'cat /file': 'real',
    'cat /bundle/own/file': 'own',
    'cat /relative/file': 'own',
    'cat /slashes/file': 'real',
  })
})

scenario('mount points below bind sources and in the root are recreated', { skip }, async (t, box) => {
  const [outer, inner] = [volume(box, 'outer'), volume(box, 'inner', { file: 'inner' })]
  const bundle = bundleWith(box, [
    bind('/data', outer, 'rbind'),
    bind('/data/sub/dir', inner, 'rbind', 'ro'),
    bind('/data/sub/file', join(inner, 'file'), 'bind'),
    tmpfs('/data/tmp'),
    bind('/data/tmp/deep/dir', inner, 'bind'),
    bind('/dev/volume', outer, 'bind'),
    bind('/dev/volume/more', inner, 'bind'),
    bind('/root-dir', inner, 'bind'),
    bind('/root-file', join(inner, 'file'), 'bind'),
  ])
  const answers = {
    'cat /data/sub/dir/file': 'inner',
    'cat /data/sub/file': 'inner',
    'cat /data/tmp/deep/dir/file': 'inner',
    'cat /dev/volume/more/file': 'inner',
    'cat /root-dir/file': 'inner',
    'cat /root-file': 'inner',
  }
  await survives(t, box, bundle, answers, () => {
    for (const name of ['sub', 'tmp', 'more']) rmSync(join(outer, name), { recursive: true })
    for (const name of ['data', 'root-dir', 'root-file']) rmSync(join(bundle.rootfs, name), { recursive: true })
  })
  t.ok(lstatSync(join(outer, 'sub/file')).isFile(), 'what was missing is made as create makes it')
  t.notOk(lstatSync(join(outer, 'tmp'), { throwIfNoEntry: false })?.isFile())
})

scenario('masked and read-only paths over and in bind mounts', { skip }, async (t, box) => {
  const files = { file: 'visible', secret: 'masked' }
  const [whole, parts, alone] = [volume(box, 'whole', files), volume(box, 'parts', files), volume(box, 'alone', files)]
  mkdirSync(join(parts, 'dir'))
  writeFileSync(join(parts, 'dir/secret'), 'masked')
  const bundle = bundleWith(
    box,
    [
      bind('/whole', whole, 'rbind', 'rprivate'),
      bind('/parts', parts, 'rbind'),
      bind('/file', join(alone, 'secret'), 'bind', 'rprivate'),
      bind('/fixed', alone, 'rbind'),
    ],
    {
      linux: {
        maskedPaths: ['/whole', '/parts/dir', '/parts/secret', '/file'],
        readonlyPaths: ['/fixed', '/parts/file'],
      },
    },
  )
  const refusal = (path: string) => `sh: can't create ${path}: Read-only file system`
  await survives(t, box, bundle, {
    'ls /whole; echo x >/whole/new': refusal('/whole/new'),
    'ls /parts/dir; echo x >/parts/dir/new': refusal('/parts/dir/new'),
    'cat /parts/secret /file | wc -c': '0',
    'echo x >/fixed/file': refusal('/fixed/file'),
    'echo x >/parts/file': refusal('/parts/file'),
    'cat /parts/file': 'visible',
    'echo >/dev/null; stat -c %t:%T /file': '1:3',
  })
  t.equal(readFileSync(join(alone, 'secret'), 'utf8'), 'masked')
})

scenario('two mounts with one destination, and two with one source', { skip }, async (t, box) => {
  const [lower, upper] = [volume(box, 'lower', { file: 'lower' }), volume(box, 'upper', { file: 'upper' })]
  const bundle = bundleWith(box, [
    bind('/twice', lower, 'bind'),
    bind('/twice', upper, 'bind', 'ro'),
    bind('/other', lower, 'bind', 'ro'),
    bind('/own', 'rootfs/bin', 'bind', 'ro'),
    tmpfs('/covered'),
    bind('/covered', upper, 'bind'),
  ])
  await survives(t, box, bundle, {
    'cat /twice/file': 'upper',
    'cat /other/file': 'lower',
    'cat /covered/file': 'upper',
    '[ /own/sh -ef /bin/sh ] && echo same': 'same',
    'echo x >/other/file': "sh: can't create /other/file: Read-only file system",
  })
})

scenario('read-only mounts of one source stay read-only, all of them', { skip }, async (t, box) => {
  const data = volume(box, 'data', { file: 'data' })
  mkdirSync(join(data, 'sub'))
  const bundle = bundleWith(
    box,
    [
      bind('/one', data, 'bind', 'ro'),
      bind('/two', data, 'bind', 'ro'),
      bind('/sub', join(data, 'sub'), 'bind', 'ro', 'noexec'),
      bind('/three', data, 'rbind', 'rro'),
      bind('/fixed', data, 'rbind'),
      bind('/free', data, 'rbind'),
    ],
    { linux: { readonlyPaths: ['/fixed'] } },
  )
  const cgroup = existsSync('/sys/fs/cgroup/cpu') ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup'
  const denied = ['/one', '/two', '/sub', '/three', '/fixed', cgroup].map((dir) => `${dir}/new`)
  const refusals = Object.fromEntries(
    denied.map((path) => [`echo x >${path}`, `sh: can't create ${path}: Read-only file system`]),
  )
  await survives(t, box, bundle, { ...refusals, 'echo x >/free/new && cat /one/new': 'x' })
})

scenario('mounts of the host below recursive sources', { skip }, async (t, box) => {
  const outer = volume(box, 'outer', { file: 'outer' })
  mkdirSync(join(outer, 'sub'))
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), join(outer, 'sub')])
  box.defer(() => execFileSync('umount', [join(outer, 'sub')]))
  writeFileSync(join(outer, 'sub/file'), 'below')
  const bundle = bundleWith(box, [bind('/deep', outer, 'rbind'), bind('/flat', outer, 'bind')])
  await survives(t, box, bundle, {
    'cat /deep/sub/file': 'below',
    'echo x >>/deep/sub/log': '',
    'cat /flat/file': 'outer',
    'ls /flat/sub': '',
  })
  t.equal(readFileSync(join(outer, 'sub/log'), 'utf8'), 'x\nx\n', 'the same file system, not a copy')
})

scenario('mounts of the host propagate into slave mounts after a restore', { skip }, async (t, box) => {
  const shared = volume(box, 'shared')
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), shared])
  box.defer(() => execFileSync('umount', ['-R', shared]))
  execFileSync('mount', ['--make-rshared', shared])
  for (const name of ['one', 'two/late']) mkdirSync(join(shared, name), { recursive: true })
  const mounts = [
    bind('/one', join(shared, 'one'), 'rbind', 'rslave', 'ro'),
    bind('/two', join(shared, 'two'), 'rbind', 'rslave'),
  ]
  const bundle = bundleWith(box, mounts, { linux: { rootfsPropagation: 'rslave' } })
  const id = await counter(t, box, bundle.dir)
  await saveAndRestore(t, box, id, { bundle: bundle.dir, rounds: 2 })
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), join(shared, 'two/late')])
  writeFileSync(join(shared, 'two/late/file'), 'late')
  t.equal(inside(box, id, 'cat', '/two/late/file'), 'late')
  await saveAndRestore(t, box, id, { bundle: bundle.dir })
  t.equal(inside(box, id, 'cat', '/two/late/file'), 'late', 'and is saved with the rest')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('mounts of a container with a user namespace', { skip }, async (t, box) => {
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }))
  const linux = {
    namespaces,
    uidMappings: mapping,
    gidMappings: mapping,
    maskedPaths: ['/proc/keys'],
    readonlyPaths: ['/fixed'],
  }
  const data = volume(box, 'data', { file: 'data', secret: 'masked' })
  symlinkSync(data, join(box.dir, 'link'))
  const fixed = volume(box, 'fixed', { file: 'x' })
  chmodSync(fixed, 0o777)
  const bundle = bundleWith(
    box,
    [
      bind('/data', data, 'rbind', 'rprivate'),
      bind('/run-link/data', join(box.dir, 'link'), 'rbind', 'ro'),
      bind('/fixed', fixed, 'rbind'),
    ],
    { linux },
  )
  mkdirSync(join(bundle.rootfs, 'run'))
  symlinkSync('run', join(bundle.rootfs, 'run-link'))
  mkdirSync(join(bundle.rootfs, 'data'))
  mkdirSync(join(bundle.rootfs, 'run/data'))
  mkdirSync(join(bundle.rootfs, 'fixed'))
  await survives(t, box, bundle, {
    'cat /run/data/file': 'data',
    'echo x >/fixed/new': "sh: can't create /fixed/new: Read-only file system",
    'cat /data/file': 'data',
    'cat /proc/keys | wc -c': '0',
  })
})

scenario(
  'checkpoint refuses a mount that cannot be restored and leaves the container running',
  { skip },
  async (t, box) => {
    const files = { file: 'x' }
    const names = ['removed', 'renamed', 'covered', 'plain'] as const
    const dirs = Object.fromEntries(names.map((name) => [name, volume(box, name, files)])) as Record<
      (typeof names)[number],
      string
    >
    const images = inMemory(box)
    const refused = async (mount: Json, pattern: RegExp, spoil: () => void, more: readonly Json[] = []) => {
      const bundle = box.bundle(
        { ...counting, root: { readonly: false }, mounts: mountsWith(mount, ...more) },
        { name: box.id() },
      )
      const id = await counter(t, box, bundle.dir)
      const pid = box.state(id)?.pid
      spoil()
      for (const flags of [[], ['--leave-running']]) {
        const { status, stdout, stderr } = box.call(['checkpoint', ...flags, '--image-path', join(images, id), id])
        t.match({ status, stdout }, { status: 1, stdout: '' })
        t.match(stderr, pattern)
      }
      t.match(box.state(id), { status: 'running', pid })
      t.notOk(lstatSync(join(images, id), { throwIfNoEntry: false }), 'no images are begun')
      t.equal(box.call(['delete', '--force', id]).status, 0)
    }
    await refused(
      bind('/gone', join(dirs.removed, 'file'), 'bind'),
      /mounts\[\d\] \(.*file at \/gone\): cannot be restored: its source has been deleted/,
      () => unlinkSync(join(dirs.removed, 'file')),
    )
    await refused(bind('/moved', dirs.renamed, 'rbind'), /mounts\[\d\] .*: cannot be restored: .*renamed: ENOENT/, () =>
      renameSync(dirs.renamed, join(box.dir, 'elsewhere')),
    )
    await refused(
      bind('/other', dirs.covered, 'rbind'),
      /at \/other\): cannot be restored: its source is another file now/,
      () => {
        renameSync(dirs.covered, join(box.dir, 'away'))
        mkdirSync(dirs.covered)
      },
    )
    symlinkSync(dirs.plain, join(box.dir, 'link'))
    await refused(
      bind('/as-link', join(box.dir, 'link'), 'bind', 'src-nofollow'),
      /link at \/as-link\): cannot be restored: .*link: CRIU does not mount a symbolic link/,
      () => undefined,
    )
    await refused(
      bind('/on-link', dirs.plain, 'bind', 'dest-nofollow'),
      /at \/on-link\): cannot be restored: .*plain: CRIU does not mount over a symbolic link/,
      () => undefined,
    )
    await refused(
      bind('/hidden', dirs.plain, 'rbind'),
      /at \/hidden\): cannot be restored: CRIU cannot tell it from what is mounted over it/,
      () => undefined,
      [tmpfs('/hidden')],
    )
  },
)

scenario('restore without the source of a bind mount leaves nothing', { skip }, async (t, box) => {
  const data = volume(box, 'data')
  const bundle = bundleWith(box, [bind('/data', data, 'rbind')])
  const id = await counter(t, box, bundle.dir)
  const images = join(inMemory(box), 'images.of.v1.2')
  t.match(box.call(['checkpoint', '--image-path', images, id]), { status: 0, stderr: '' })
  rmSync(data, { recursive: true })
  const args = ['restore', '-d', '--image-path', images, '--bundle', bundle.dir, id]
  t.match(box.call(args), { status: 1, stderr: /mounts\[\d\] \(.*data at \/data\): .*ENOENT/ })
  t.equal(box.state(id), undefined)
  mkdirSync(data)
  const { status, stderr } = quietly(box, args)
  t.equal(status, 0, stderr)
  t.equal(box.call(['delete', '--force', id]).status, 0)
})
