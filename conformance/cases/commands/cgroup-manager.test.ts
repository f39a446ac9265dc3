/*
 * crun's global options: --cgroup-manager, which Podman uses for --cgroups=disabled, and --log-level. Without cgroups none is
 * created, joined, recorded or removed, and commands that need them fail and say so.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroups } from '../../harness/census.ts'
import { cgroupOf } from '../../harness/cgroup.ts'
import { callAs, needsUser, rootlessBundle, shell } from '../../harness/ordinary-user.ts'
import { isRunt } from '../../harness/project.ts'
import { needsController } from '../../harness/requires.ts'
import { scenario, until } from '../../harness/scenario.ts'

const peers = { runc: 'has no such option' }
const disabled = '--cgroup-manager=disabled'
const sleeper = { process: { args: ['sleep', '1000'] } }

scenario('--cgroup-manager=disabled makes and joins no cgroup', { peers }, async (t, box) => {
  const before = cgroups()
  const own = readFileSync('/proc/self/cgroup', 'utf8')
  const { dir } = box.bundle(sleeper)
  const id = box.id()
  const created = box.call([disabled, 'create', '--bundle', dir, id])
  t.match(created, { status: 0, stderr: '' })
  const pid = box.state(id)?.pid
  t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), own, "it stays in the caller's")
  t.equal(box.call(['start', id]).status, 0, 'later commands need no option')
  t.same(cgroups(), before)
  t.equal(box.call(['exec', id, 'true']).status, 0)
  const where = box.call(['exec', id, 'cat', '/proc/self/cgroup'])
  t.equal(where.stdout, own)
  t.equal(box.call(['kill', id, 'KILL']).status, 0)
  await until(() => box.state(id)?.status === 'stopped', 'stopped')
  t.match(box.call(['delete', id]), { status: 0, stderr: '' })
  t.same(cgroups(), before)
})

scenario('--cgroup-manager=disabled run, to its end and by force', { peers }, (t, box) => {
  const { dir } = box.bundle({ process: { args: ['sh', '-c', 'exit 5'] } })
  t.equal(box.call([disabled, 'run', '--bundle', dir, box.id()]).status, 5)
  const long = box.bundle(sleeper, { name: 'long' })
  const id = box.id()
  t.equal(box.call([disabled, 'run', '--detach', '--bundle', long.dir, id]).status, 0)
  t.equal(box.call([disabled, 'delete', '--force', id]).status, 0)
  t.equal(box.state(id), undefined)
})

scenario('commands that need cgroups fail without them', { peers }, (t, box) => {
  const { dir } = box.bundle(sleeper)
  const id = box.id()
  t.equal(box.call([disabled, 'run', '--detach', '--bundle', dir, id]).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  const commands = [['ps'], ['pause'], ['resume'], ['update', '--pids-limit', '7'], ['update', '--memory', '64m']]
  if (isRunt) commands.push(['events'])
  for (const command of commands) {
    const result = box.call([...command, id])
    t.equal(result.status, 1, command.join(' '))
    if (isRunt)
      t.match(
        result.stderr,
        'the container has no cgroups: it was created with --cgroup-manager=disabled',
        command.join(' '),
      )
  }
  if (isRunt)
    t.match(box.call(['exec', '--cgroup', '/below', id, 'true']), {
      status: 255,
      stderr: /the container has no cgroups/,
    })
  t.equal(box.state(id)?.status, 'running')
  t.match(box.call(['list', '-q']), { status: 0, stdout: `${id}\n` })
  t.equal(box.call(['kill', '--all', id, 'KILL']).status, 0)
})

scenario('events --stats without cgroups is a line without numbers', { peers }, (t, box) => {
  const { dir } = box.bundle(sleeper)
  const id = box.id()
  t.equal(box.call([disabled, 'run', '--detach', '--bundle', dir, id]).status, 0)
  box.defer(() => box.call(['delete', '--force', id]))
  const result = box.call(['events', '--stats', id])
  t.match(result, { status: 0, stderr: '' })
  const { type, data, ...rest } = JSON.parse(result.stdout)
  t.same([type, rest], ['stats', { id }])
  t.same([data.pids, data.hugetlb, data.cpu.usage ?? {}], [{}, {}, {}])
})

scenario('processes that cannot be killed cause a warning', { peers }, (t, box) => {
  const warning = /level=warning msg="linux\.namespaces: without cgroups and a pid namespace of its own, /
  for (const [name, namespaces, warned] of [
    ['shared', [{ type: 'mount' }], true],
    ['joined', [{ type: 'mount' }, { type: 'pid', path: '/proc/self/ns/pid' }], true],
    ['own', [{ type: 'mount' }, { type: 'pid' }], false],
  ] as const) {
    const { dir } = box.bundle({ hostname: undefined, linux: { namespaces } }, { name })
    for (const globals of [[disabled], []]) {
      const log = join(box.dir, `${name}${globals.length}.log`)
      const result = box.call(['--log', log, ...globals, 'run', '--bundle', dir, box.id()])
      t.equal(result.status, 0, result.stderr)
      if (isRunt)
        t.equal(
          warning.test(existsSync(log) ? readFileSync(log, 'utf8') : ''),
          warned && globals.length > 0,
          `${name} ${globals}`,
        )
    }
  }
})

scenario('limits without cgroups cause a warning', { peers }, (t, box) => {
  const { dir } = box.bundle({ linux: { resources: { pids: { limit: 20 }, memory: { limit: 100_000_000 } } } })
  const log = join(box.dir, 'log')
  const result = box.call(['--log', log, disabled, 'run', '--bundle', dir, box.id()])
  t.equal(result.status, 0, result.stderr)
  if (isRunt)
    t.match(
      readFileSync(log, 'utf8'),
      /level=warning msg="linux\.resources\.memory\.limit, linux\.resources\.pids\.limit, linux\.resources\.devices: not enforced without cgroups"/,
    )
})

scenario('device rules without cgroups cause one warning if they deny a device', { peers }, (t, box) => {
  const deny = { allow: false, access: 'rwm' }
  const disk = { allow: true, type: 'b', major: 8, access: 'r' }
  for (const [name, devices, warned] of [
    ['denied', [deny], true],
    ['some', [deny, disk], true],
    [
      'one',
      [
        { allow: true, access: 'rwm' },
        { ...disk, allow: false },
      ],
      true,
    ],
    ['given', [disk], true],
    ['allowed', [deny, { allow: true, access: 'rwm' }], false],
    ['none', [], false],
  ] as const) {
    const { dir } = box.bundle({ linux: { resources: { devices } } }, { name })
    const log = join(box.dir, `${name}.log`)
    const result = box.call(['--log', log, disabled, 'run', '--bundle', dir, box.id()])
    t.equal(result.status, 0, result.stderr)
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
    const warnings = lines.filter((line) => line.includes('linux.resources.devices: not enforced without cgroups'))
    if (isRunt) t.equal(warnings.length, warned ? 1 : 0, name)
  }
})

scenario(
  'device rules without cgroups cause no warning for an unprivileged user',
  { peers, skip: needsUser() },
  (t, box) => {
    const dir = rootlessBundle(box, {
      ...shell('true'),
      linux: { resources: { devices: [{ allow: false, access: 'rwm' }] } },
    })
    const log = join(dir, 'log')
    t.match(callAs(box, ['--log', log, disabled, 'run', '--bundle', dir, box.id()]), { status: 0 })
    if (isRunt) t.notMatch(existsSync(log) ? readFileSync(log, 'utf8') : '', /devices/)
  },
)

scenario('without cgroups a container sees those of its caller', { peers }, (t, box) => {
  for (const type of ['cgroup', 'cgroup2']) {
    const mounts = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys/fs/cgroup', type, source: 'cgroup', options: ['ro'] },
    ]
    const { dir } = box.bundle(
      { process: { args: ['ls', '/sys/fs/cgroup'] }, mounts, linux: { maskedPaths: [], readonlyPaths: [] } },
      { name: type },
    )
    const result = box.call([disabled, 'run', '--bundle', dir, box.id()])
    t.equal(result.status, 0, result.stderr)
  }
})

scenario('--cgroup-manager=cgroupfs is the default', { peers, skip: needsController('pids') }, (t, box) => {
  const { dir } = box.bundle({ ...sleeper, linux: { resources: { pids: { limit: 20 } } } })
  const id = box.id()
  t.equal(box.call(['--cgroup-manager', 'cgroupfs', 'run', '--detach', '--bundle', dir, id]).status, 0)
  t.equal(readFileSync(join(cgroupOf(box.state(id)?.pid, 'pids'), 'pids.max'), 'utf8'), '20\n')
  t.equal(box.call(['delete', '--force', id]).status, 0)
})

scenario('--cgroup-manager=systemd is --systemd-cgroup, and disabled wins', { peers }, (t, box) => {
  const { dir } = box.bundle()
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${box.dir}/nowhere` }
  const id = box.id()
  for (const option of ['--cgroup-manager=systemd', '--systemd-cgroup']) {
    const result = box.call([option, 'create', '--bundle', dir, id], { env })
    t.equal(result.status, 1, option)
    if (isRunt) t.match(result.stderr, /systemd: connect to .*nowhere: ENOENT/)
  }
  const both = box.call(['--systemd-cgroup', disabled, 'run', '--bundle', dir, id], { env })
  t.equal(both.status, 0, both.stderr)
})

scenario('--cgroup-manager and --log-level refuse other words', { peers }, (t, box) => {
  const { dir } = box.bundle()
  const id = box.id()
  for (const [flag, word, expected] of [
    ['cgroup-manager', 'openrc', 'cgroupfs, systemd, disabled'],
    ['log-level', 'loud', 'debug, warning, error'],
  ] as const) {
    const result = box.call([`--${flag}`, word, 'run', '--bundle', dir, id])
    t.equal(result.status, 1, flag)
    if (isRunt) t.match(result.stderr, `invalid value "${word}" for flag -${flag}: expected ${expected}`)
    t.notOk(existsSync(join(box.root, id)))
  }
})

scenario('--log-level', { skip: isRunt ? false : 'crun 1.8 has none' }, (t, box) => {
  const { dir } = box.bundle({ process: { capabilities: { bounding: ['CAP_NO_SUCH'] } } })
  for (const [level, levels] of [
    ['error', []],
    ['warning', ['warning']],
    ['debug', ['debug', 'warning']],
  ] as const) {
    const log = join(box.dir, level)
    const globals = ['--log-level', level, '--log', log, '--log-format', 'json']
    t.match(box.call([...globals, 'run', '--bundle', dir, box.id()]), { status: 0, stderr: '' })
    const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
    t.same([...new Set(lines.map((line) => JSON.parse(line).level))].sort(), levels)
    t.equal(box.call([...globals, 'start', 'nosuchcontainer']).status, 1)
    t.match(readFileSync(log, 'utf8'), /"level":"error".*does not exist/, 'errors are always logged')
  }
  const debug = box.call(['--debug', '--log-level=error', 'run', '--bundle', dir, box.id()])
  t.match(debug.stderr, /level=debug/, '--debug wins')
})
