/*
 * config.md, "Mounts": every option of the table "Linux mount options", by mountinfo in the container, for a tmpfs and for a bind mount with
 * a submount; and options that are not in the table.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, mountsWith, type Patch } from '../../harness/bundle.ts'
import { type MountLine, runProbe } from '../../harness/probe.ts'
import { type Box, scenario } from '../../harness/scenario.ts'

type Test = Parameters<typeof runProbe>[0]
const mountinfo = 'file:/proc/self/mountinfo'

/** A directory of the host with a tmpfs below it. */
function makeTree(box: Box): string {
  const source = join(box.dir, 'tree')
  mkdirSync(join(source, 'below'), { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', box.dir.slice(1), join(source, 'below')])
  box.defer(() => spawnSync('umount', [join(source, 'below')]))
  return source
}

const tmpfs = (destination: string, options: readonly string[]): Json => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})
const bind = (destination: string, source: string, options: readonly string[]): Json => ({
  destination,
  type: 'bind',
  source,
  options,
})

/** One container with all of these mounts; its mountinfo by target. */
function mountsOf(t: Test, box: Box, mounts: readonly Json[]): (target: string) => MountLine | undefined {
  const lines = runProbe(t, box, [mountinfo], { mounts: mountsWith(...mounts) }).mounts()
  return (target) => lines.find((line) => line.target === target)
}

/** Options → words that must be among the mount's options, and words that must not. */
const attributes: readonly (readonly [readonly string[], readonly string[], readonly string[]])[] = [
  [['ro'], ['ro'], ['rw']],
  [['ro', 'rw'], ['rw'], ['ro']],
  [['nosuid'], ['nosuid'], []],
  [['nosuid', 'suid'], [], ['nosuid']],
  [['nodev'], ['nodev'], []],
  [['nodev', 'dev'], [], ['nodev']],
  [['noexec'], ['noexec'], []],
  [['noexec', 'exec'], [], ['noexec']],
  [['noatime'], ['noatime'], ['relatime']],
  [['noatime', 'atime'], ['relatime'], ['noatime']],
  [['noatime', 'norelatime'], ['noatime'], ['relatime']],
  [['norelatime'], ['relatime'], []],
  [['nostrictatime'], ['relatime'], []],
  [['noatime', 'relatime'], ['noatime'], ['relatime']],
  [['strictatime', 'noatime'], [], ['noatime', 'relatime']],
  [['strictatime'], [], ['relatime', 'noatime']],
  [['strictatime', 'nostrictatime'], ['relatime'], []],
  [['strictatime', 'relatime'], [], ['relatime', 'noatime']],
  [['nodiratime'], ['nodiratime'], []],
  [['nodiratime', 'diratime'], [], ['nodiratime']],
  [['nosymfollow'], ['nosymfollow'], []],
  [['nosymfollow', 'symfollow'], [], ['nosymfollow']],
]

const fits = (line: MountLine | undefined, there: readonly string[], absent: readonly string[]): boolean =>
  line !== undefined &&
  there.every((option) => line.options.includes(option)) &&
  !absent.some((option) => line.options.includes(option))

scenario('MUST implement (nosymfollow, symfollow: SHOULD): the attributes of a file system’s mount', {}, (t, box) => {
  const mounts = mountsOf(
    t,
    box,
    attributes.map(([options], index) => tmpfs(`/run/${index}`, options)),
  )
  attributes.forEach(([options, there, absent], index) => {
    const line = mounts(`/run/${index}`)
    t.ok(fits(line, there, absent), `${options}: ${line?.options}`)
  })
})

scenario('MUST implement: attributes of a bind mount, which reach only the mount itself', {}, (t, box) => {
  const source = makeTree(box)
  const mounts = mountsOf(
    t,
    box,
    attributes.map(([options], index) => bind(`/run/${index}`, source, ['rbind', ...options])),
  )
  const plain = mounts('/run/1/below')?.options
  attributes.forEach(([options, there, absent], index) => {
    const line = mounts(`/run/${index}`)
    t.ok(fits(line, there, absent), `${options}: ${line?.options}`)
    t.same(mounts(`/run/${index}/below`)?.options, plain, `${options}, below`)
  })
})

scenario(
  'SHOULD implement: the recursive forms reach what is below as well',
  { peers: { runc: '1.1 has no rnosymfollow' } },
  (t, box) => {
    const source = makeTree(box)
    const mounts = mountsOf(
      t,
      box,
      attributes.map(([options], index) => bind(`/run/${index}`, source, ['rbind', ...options.map((o) => `r${o}`)])),
    )
    attributes.forEach(([options, there, absent], index) => {
      for (const target of [`/run/${index}`, `/run/${index}/below`]) {
        const line = mounts(target)
        t.ok(fits(line, there, absent), `r${options} at ${target}: ${line?.options}`)
      }
    })
  },
)

scenario('MUST implement: bind without what is below, rbind with it', {}, (t, box) => {
  const source = makeTree(box)
  const mounts = mountsOf(t, box, [bind('/run/bind', source, ['bind']), bind('/run/rbind', source, ['rbind'])])
  t.ok(mounts('/run/bind') && mounts('/run/rbind/below'))
  t.equal(mounts('/run/bind/below'), undefined)
})

scenario('MUST implement: propagation, of the mount or of the whole tree', {}, (t, box) => {
  const source = makeTree(box)
  const kinds = ['private', 'shared', 'slave', 'unbindable'] as const
  const mounts = mountsOf(
    t,
    box,
    kinds.flatMap((kind) => [
      bind(`/run/${kind}`, source, ['rbind', 'rprivate', kind]),
      bind(`/run/r${kind}`, source, ['rbind', 'rprivate', `r${kind}`]),
    ]),
  )
  // A private mount that is made a slave stays private: it has no master.
  const expected = { private: [], shared: ['shared'], slave: [], unbindable: ['unbindable'] }
  for (const kind of kinds) {
    t.same(mounts(`/run/${kind}`)?.propagation, expected[kind], kind)
    t.same(mounts(`/run/${kind}/below`)?.propagation, [], `${kind}, below`)
    t.same(mounts(`/run/r${kind}`)?.propagation, expected[kind], `r${kind}`)
    t.same(mounts(`/run/r${kind}/below`)?.propagation, expected[kind], `r${kind}, below`)
  }
})

scenario('MUST implement: flags of the file system itself', {}, (t, box) => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['sync'], ['sync']],
    [['sync', 'async'], []],
    [['dirsync'], ['dirsync']],
    [['lazytime'], ['lazytime']],
    [['lazytime', 'nolazytime'], []],
    [['defaults', 'async', 'silent', 'loud', 'iversion', 'noiversion', 'mand', 'nomand'], []],
  ]
  const mounts = mountsOf(
    t,
    box,
    cases.map(([options], index) => tmpfs(`/run/${index}`, options)),
  )
  cases.forEach(([options, expected], index) => {
    const flags = mounts(`/run/${index}`)?.superOptions.filter((option) => /sync|lazytime/.test(option))
    t.same(flags, expected, `${options}`)
  })
})

scenario('MUST implement: remount changes what is mounted, and only what it names', {}, (t, box) => {
  const mounts = mountsOf(t, box, [
    tmpfs('/run/a', ['size=1m', 'nosuid', 'sync']),
    { destination: '/run/a', options: ['remount', 'ro', 'size=2m', 'async'] },
    tmpfs('/run/b', ['size=1m', 'noexec']),
    { destination: '/run/b', options: ['remount', 'bind', 'ro', 'exec'] },
  ])
  t.ok(fits(mounts('/run/a'), ['ro', 'nosuid'], ['noexec']))
  t.ok(mounts('/run/a')?.superOptions.includes('size=2048k'))
  t.notOk(mounts('/run/a')?.superOptions.includes('sync'))
  t.ok(fits(mounts('/run/b'), ['ro'], ['noexec']))
  t.ok(mounts('/run/b')?.superOptions.includes('size=1024k'))
})

scenario('SHOULD pass unknown options to the file system, or report them by name', {}, (t, box) => {
  t.ok(mountsOf(t, box, [tmpfs('/run/a', ['size=3m'])])('/run/a')?.superOptions.includes('size=3072k'))
  const cases: readonly (readonly [Json, RegExp])[] = [
    [tmpfs('/run/a', ['rnosuch']), /mounts\[7\].*fsconfig rnosuch: EINVAL/],
    [{ destination: '/dev/shm', options: ['remount', 'nosuch=1'] }, /mounts\[7\].*nosuch/],
  ]
  for (const [mount, message] of cases) {
    const bundle = box.bundle({ mounts: mountsWith(mount) }, { name: box.id() })
    const result = box.call(['run', '--bundle', bundle.dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, message)
  }
  const source = makeTree(box)
  const bundle = box.bundle({ mounts: mountsWith(bind('/run/a', source, ['bind', 'sync', 'size=1k'])) })
  const result = box.call(['--debug', 'run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0, 'a bind mount has no file system of its own')
  t.match(result.stderr, /mounts\[7\].*ignored for a bind mount: size=1k"/)
})

scenario('MAY implement: tmpcopyup', { peers: { crun: 'copies otherwise' } }, (t, box) => {
  const copied = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'ro'] }
  const inside = runProbe(t, box, ['file:/etc/passwd', 'stat:/etc', 'create:/etc/new', mountinfo], {
    mounts: mountsWith(copied),
  })
  t.match(inside.text('file:/etc/passwd'), /^root:/)
  t.match(inside.text('stat:/etc'), /^dir 0755/)
  t.equal(inside.text('create:/etc/new'), 'EROFS')
  t.notOk(inside.mounts().some(({ superOptions }) => superOptions.includes('tmpcopyup')))
})

scenario('idmap, ridmap SHOULD NOT be passed to the file system, unknown words are never bind’s', {}, (t, box) => {
  const patch: Patch = { mounts: mountsWith(bind('/run/a', box.dir, ['constructor', 'bind', '__proto__'])) }
  writeFileSync(join(box.dir, 'seen'), 'seen')
  t.equal(runProbe(t, box, ['file:/run/a/seen'], patch).text('file:/run/a/seen'), 'seen')
  t.ok(existsSync(box.dir))
})
