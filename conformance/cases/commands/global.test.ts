/*
 * Global flags, before the command: --log and --log-format, which engines read; --debug, --root in all spellings,
 * --systemd-cgroup and --rootless, which must be accepted.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { probing } from '../../harness/probe.ts'
import { isRunt } from '../../harness/project.ts'
import { scenario } from '../../harness/scenario.ts'

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly time: string
}

const readLog = (path: string): readonly LogLine[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

scenario('--log with --log-format json', { peers: { crun: 'other words' } }, (t, box) => {
  const log = join(box.dir, 'log.json')
  writeFileSync(log, '{"level":"info","msg":"of an earlier call","time":"2026-01-01T00:00:00Z"}\n')
  const before = Date.now()
  const result = box.call(['--log', log, '--log-format', 'json', 'start', 'nosuchcontainer'])
  t.equal(result.status, 1)
  const lines = readLog(log)
  t.equal(lines[0]?.msg, 'of an earlier call', 'appends')
  const last = lines.at(-1)
  t.equal(last?.level, 'error', 'containerd shows the last line of this level')
  t.match(last?.msg, /does not exist/)
  t.match(last?.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, 'RFC 3339')
  t.ok(Math.abs(Date.parse(last?.time ?? '') - before) < 60_000)
  t.match(result.stderr, /does not exist/, 'on stderr as well: conmon shows that')
})

scenario('--log-format json escapes what it must', {}, (t, box) => {
  const log = join(box.dir, 'log.json')
  const bundle = box.bundle({ process: { args: ['/odd "name"\n\t\u0001\\ ä \u{1f600}'] } })
  const result = box.call(['--log', log, '--log-format=json', 'run', '--bundle', bundle.dir, box.id()])
  t.not(result.status, 0)
  t.match(readLog(log).at(-1), { level: 'error', msg: /odd/ }, 'every line is JSON')
})

scenario('--log as text', { peers: { crun: 'other form' } }, (t, box) => {
  const log = join(box.dir, 'log.text')
  const result = box.call(['--log', log, 'start', 'nosuchcontainer'])
  t.equal(result.status, 1)
  t.match(readFileSync(log, 'utf8'), /^time="[^"]+" level=error msg=".*does not exist.*"$/m)
})

scenario('a successful command logs no error', {}, (t, box) => {
  const log = join(box.dir, 'log.json')
  const bundle = box.bundle(probing(['say:fine']))
  const result = box.call(['--log', log, '--log-format', 'json', 'run', '--bundle', bundle.dir, box.id()])
  t.equal(result.status, 0)
  t.equal(result.stderr, '')
  t.equal(existsSync(log) && readFileSync(log, 'utf8').includes('error'), false)
})

scenario('--log that cannot be written', { peers: { crun: 'other words' } }, (t, box) => {
  const result = box.call(['--log', join(box.dir, 'missing/log'), 'list'])
  t.not(result.status, 0)
  t.match(result.stderr, /missing\/log/)
})

scenario('--log on a full disk changes nothing but the log', { peers: { crun: 'other words' } }, (t, box) => {
  const log = ['--log', '/dev/full', '--log-format', 'json', '--debug']
  const id = box.id()
  t.equal(box.call([...log, 'create', '--bundle', box.bundle().dir, id]).status, 0)
  const refused = box.call([...log, 'start', 'nosuchcontainer'])
  t.equal(refused.status, 1)
  t.match(refused.stderr, 'does not exist', 'stderr has it all the same')
  t.equal(box.call([...log, 'delete', '--force', id]).status, 0)
})

scenario('--log-format rejects unknown formats', { peers: { crun: 'other words' } }, (t, box) => {
  const result = box.call(['--log-format', 'xml', 'list'])
  t.equal(result.status, 1)
  t.match(result.stderr, /xml/)
})

scenario('--debug adds to the log and to nothing else', { peers: { crun: 'makes an empty log' } }, (t, box) => {
  const log = join(box.dir, 'log.json')
  const bundle = box.bundle(probing(['say:fine', 'fds']))
  const args = ['--debug', '--log', log, '--log-format', 'json', 'run', '--bundle', bundle.dir, box.id()]
  const result = box.call(args)
  t.equal(result.status, 0)
  t.match(result.stdout, 'fine')
  t.equal(result.stderr, '', 'debug lines go to the log')
  if (existsSync(log)) for (const line of readLog(log)) t.type(line.msg, 'string')
})

scenario('--root in all spellings', { peers: { crun: '1.8 loses a relative one' } }, (t, box) => {
  const bundle = box.bundle()
  mkdirSync(join(box.dir, 'relative'))
  for (const flag of [['--root', 'relative'], ['--root=relative'], ['--root', './relative/']]) {
    const id = box.id()
    const call = (args: readonly string[]) => box.call([...flag, ...args], { root: null, cwd: box.dir })
    t.equal(call(['create', '--bundle', bundle.dir, id]).status, 0, flag.join(' '))
    t.ok(readdirSync(join(box.dir, 'relative')).includes(id))
    t.equal(call(['delete', id]).status, 0)
    t.same(
      readdirSync(join(box.dir, 'relative')).filter((name) => name !== '.cache'),
      [],
    )
  }
})

scenario('a missing --root is created', {}, (t, box) => {
  const bundle = box.bundle()
  const root = join(box.dir, 'a/b/c')
  const id = box.id()
  t.equal(box.call(['create', '--bundle', bundle.dir, id], { root }).status, 0)
  t.equal(box.call(['delete', id], { root }).status, 0)
})

const noCrun = { crun: 'has no such flag' }

scenario('--rootless in the spellings of callers', { peers: noCrun }, (t, box) => {
  const bundle = box.bundle()
  for (const word of ['false', 'auto', '', '0', 'f', 'F', 'FALSE', 'False']) {
    const id = box.id()
    t.equal(box.call([`--rootless=${word}`, 'create', '--bundle', bundle.dir, id]).status, 0, word)
    t.equal(box.call(['--rootless', word, 'delete', id]).status, 0)
  }
  for (const word of ['maybe', 'yes', 'tRUE', '2']) {
    const id = box.id()
    const result = box.call(['--rootless', word, 'create', '--bundle', bundle.dir, id])
    t.equal(result.status, 1, word)
    if (isRunt) t.match(result.stderr, `invalid value "${word}" for flag -rootless: expected true, false, auto`)
    t.notOk(existsSync(join(box.root, id)))
  }
})

/** A mount namespace in which no cgroup can be created. */
const withoutCgroups = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  `while read -r _ _ _ _ at _; do case $at in /sys/fs/cgroup*) mount -o remount,bind,ro "$at";; esac; done </proc/self/mountinfo; exec "$@"`,
  'sh',
]

scenario('--rootless decides whether root tolerates a missing cgroup', { peers: noCrun }, (t, box) => {
  const { dir } = box.bundle(probing(['say:runs']))
  for (const word of ['auto', 'false']) {
    const id = box.id()
    const refused = box.call(['--rootless', word, 'run', '--bundle', dir, id], { wrap: withoutCgroups })
    t.match(refused, { status: 1, stderr: /(EROFS|read-only)/ }, word)
    t.notOk(existsSync(join(box.root, id)))
  }
  for (const word of ['true', '1', 'T']) {
    const result = box.call(['--rootless', word, 'run', '--bundle', dir, box.id()], { wrap: withoutCgroups })
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, 'runs')
  }
  const limited = box.bundle({ linux: { resources: { pids: { limit: 10 } } } }, { name: 'limited' })
  const limit = box.call(['--rootless=true', 'run', '--bundle', limited.dir, box.id()], { wrap: withoutCgroups })
  t.equal(limit.status, 1, 'a limit must not be lacking')
  const named = box.bundle({ linux: { cgroupsPath: `/${box.id()}` } }, { name: 'named' })
  const path = box.call(['--rootless=true', 'run', '--bundle', named.dir, box.id()], { wrap: withoutCgroups })
  t.equal(path.status, 1, 'nor a cgroup that is named')
})

scenario('exec uses the --rootless of create', { peers: noCrun }, (t, box) => {
  const { dir } = box.bundle({ process: { args: ['sleep', '1000'] } })
  const id = box.id()
  const wrap = withoutCgroups
  t.equal(box.call(['--rootless=true', 'run', '--detach', '--bundle', dir, id], { wrap }).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  const result = box.call(['exec', id, 'true'], { wrap })
  t.equal(result.status, 0, result.stderr)
})

scenario('an error is one line', { skip: isRunt ? false : 'of the project’s own grammar' }, (t, box) => {
  const result = box.call(['start', 'nosuchcontainer'])
  t.match(result.stderr, /^runt start nosuchcontainer: .*\n$/)
  t.equal(result.stderr.split('\n').length, 2)
})
