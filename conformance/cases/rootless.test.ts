/*
 * Containers of an unprivileged user (runc-spec(8) --rootless; user_namespaces(7), newuidmap(1)): the runtime only has the privileges
 * of the user namespace that it creates. Run as root, the tests become user 1000 with setpriv(1); run as an unprivileged user with a
 * delegated cgroup, as in the virtual machine, they test limits as well.
 */
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Json, type Patch, patched } from '../harness/bundle.ts'
import { cgroupMounts, cgroups } from '../harness/census.ts'
import { cgroupOf, cgroupRoot } from '../harness/cgroup.ts'
import { callAs, isRoot, needsUser, rootlessBundle, shell, user } from '../harness/ordinary-user.ts'
import { hasCommand } from '../harness/project.ts'
import { either, needsController, needsV1, needsV2, type Skip } from '../harness/requires.ts'
import { scenario } from '../harness/scenario.ts'

scenario('the config of spec --rootless runs', { user: 'any', skip: needsUser() }, (t, box) => {
  const command = 'id -u; cat /proc/self/uid_map; cat /proc/self/setgroups; echo $$; cat /proc/1/comm; exit 7'
  const dir = rootlessBundle(box, shell(command))
  const result = callAs(box, ['run', '--bundle', dir, box.id()])
  t.equal(result.status, 7, result.stderr)
  const [uid, map, groups, pid, comm] = result.stdout.split('\n')
  t.same([uid, map?.trim().split(/\s+/), groups], ['0', ['0', `${user}`, '1'], 'deny'])
  t.same([pid, comm], ['1', 'sh'], 'in a pid namespace of its own')
})

scenario(
  'a rootless container has its own namespaces and the default devices',
  { user: 'any', skip: needsUser() },
  (t, box) => {
    const command =
      'hostname inside; hostname; mount -t tmpfs none /tmp && touch /tmp/x && ls /tmp; head -c1 /dev/zero | wc -c; echo gone >/dev/null; echo no >/etc/passwd'
    const caps = ['CAP_SYS_ADMIN']
    const process = { capabilities: { bounding: caps, effective: caps, permitted: caps } }
    const dir = rootlessBundle(box, patched({ process }, shell(command)) as Patch)
    const result = callAs(box, ['run', '--bundle', dir, box.id()])
    t.equal(result.stdout, 'inside\nx\n1\n', result.stderr)
    t.match(result.stderr, /etc\/passwd: Read-only file system/)
  },
)

scenario('rootless create, start, exec, kill and delete', { user: 'any', skip: needsUser() }, (t, box) => {
  const dir = rootlessBundle(box, shell('sleep 1000'))
  const id = box.id()
  t.match(callAs(box, ['create', '--bundle', dir, id]), { status: 0, stderr: '' })
  const state = () => JSON.parse(callAs(box, ['state', id]).stdout)
  const { pid } = state()
  const ids = /^Uid:\s*(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  t.same(ids?.slice(1), [`${user}`, `${user}`], 'for the host it is the user')
  t.equal(state().status, 'created')
  t.match(callAs(box, ['start', id]), { status: 0, stderr: '' })
  t.equal(state().status, 'running')
  t.match(callAs(box, ['exec', id, 'sh', '-c', 'id -u; exit 5']), { status: 5, stdout: '0\n' })
  t.match(callAs(box, ['list', '-q']), { status: 0, stdout: `${id}\n` })
  t.match(callAs(box, ['kill', id, 'KILL']), { status: 0, stderr: '' })
  t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
  t.match(callAs(box, ['state', id]), { status: 1, stderr: /does not exist/ })
})

scenario(
  '--rootless=false makes missing cgroup permissions an error',
  {
    user: 'any',
    skip: isRoot ? needsUser() : 'the user may have cgroups of its own',
    peers: { crun: 'has no such flag' },
  },
  (t, box) => {
    const dir = rootlessBundle(box, shell('echo runs'))
    const id = box.id()
    const refused = callAs(box, ['--rootless=false', 'run', '--bundle', dir, id])
    t.match(refused, { status: 1, stderr: /(EACCES|denied|EROFS)/ })
    t.notOk(existsSync(join(box.root, id)))
    for (const word of ['true', 'auto'])
      t.match(callAs(box, ['--rootless', word, 'run', '--bundle', dir, box.id()]), { status: 0, stdout: 'runs\n' })
  },
)

scenario(
  'update names the limit and the missing cgroup file',
  { user: 'any', skip: either(isRoot ? needsUser() : 'the user may have cgroups of its own', needsV1('memory')) },
  (t, box) => {
    const dir = rootlessBundle(box, shell('sleep 1000'))
    const id = box.id()
    t.match(callAs(box, ['run', '--detach', '--bundle', dir, id]), { status: 0 })
    box.defer(() => callAs(box, ['delete', '--force', id]))
    const reason = /linux\.resources\.memory\.limit: the container has no cgroups: .*by a user who may make none/
    t.match(callAs(box, ['update', '--memory', '64m', id]), { status: 1, stderr: reason })
    const resources = { devices: [{ allow: false, access: 'rwm' }], memory: { limit: 64 << 20 } }
    const more = callAs(box, ['update', '--resources', '-', id], { stdin: JSON.stringify(resources) })
    t.match(more, { status: 1, stderr: reason }, 'with device rules, as Podman sends them')
  },
)

scenario('the state is kept in XDG_RUNTIME_DIR', { user: 'any', skip: needsUser() }, (t, box) => {
  const dir = rootlessBundle(box, shell('sleep 1000'))
  const runtimeDir = join(box.dir, 'xdg')
  mkdirSync(runtimeDir, { mode: 0o700 })
  if (isRoot) chownSync(runtimeDir, user, user)
  const options = { root: null, env: { XDG_RUNTIME_DIR: runtimeDir } }
  const id = box.id()
  t.match(callAs(box, ['run', '--detach', '--bundle', dir, id], options), { status: 0, stderr: '' })
  t.same(
    readdirSync(runtimeDir).flatMap((name) => readdirSync(join(runtimeDir, name))),
    [id],
  )
  t.match(callAs(box, ['state', id], options), { status: 0, stdout: /running/ })
  t.match(callAs(box, ['delete', '--force', id], options), { status: 0, stderr: '' })
  t.same(
    readdirSync(runtimeDir).flatMap((name) => readdirSync(join(runtimeDir, name))),
    [],
    'nothing remains',
  )
})

interface Range {
  readonly hostID: number
  readonly size: number
}

/** What /etc/subuid or /etc/subgid grants to the user. */
function granted(file: string): Range | undefined {
  if (!existsSync(file)) return undefined
  const name = new RegExp(`^([^:]*):[^:]*:${user}:`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[1]
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [who, first, size] = line.split(':')
    if (who === name || who === `${user}`) return { hostID: Number(first), size: Number(size) }
  }
  return undefined
}

const uids = granted('/etc/subuid')
const gids = granted('/etc/subgid')
const needsRange = (): Skip =>
  !hasCommand('newuidmap') ? 'no newuidmap' : uids && gids ? false : 'no subordinate ids for the user'

scenario(
  'more ids are mapped by newuidmap and newgidmap',
  { user: 'any', skip: either(needsUser(), needsRange()) },
  (t, box) => {
    const mappings = (range: Range | undefined) => [
      { containerID: 0, hostID: user, size: 1 },
      { containerID: 1, ...range },
    ]
    const linux = { uidMappings: mappings(uids), gidMappings: mappings(gids) } as unknown as Json
    const process = { user: { uid: 5, gid: 6, additionalGids: [7] }, args: ['sleep', '1000'] }
    const dir = rootlessBundle(box, { linux, process })
    const id = box.id()
    t.match(callAs(box, ['run', '--detach', '--bundle', dir, id]), { status: 0, stderr: '' })
    const { pid } = JSON.parse(callAs(box, ['state', id]).stdout)
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    t.equal(/^Uid:\s*(\d+)/m.exec(status)?.[1], `${(uids?.hostID ?? 0) + 4}`)
    t.equal(/^Gid:\s*(\d+)/m.exec(status)?.[1], `${(gids?.hostID ?? 0) + 5}`)
    t.equal(/^Groups:\s*(.*?)\s*$/m.exec(status)?.[1], `${(gids?.hostID ?? 0) + 6}`)
    t.match(callAs(box, ['exec', '--user', '9', id, 'id', '-u']), { status: 0, stdout: '9\n' })
    t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
  },
)

scenario(
  'id mappings without a grant in /etc/subuid are an error',
  { user: 'any', skip: either(needsUser(), needsRange()) },
  (t, box) => {
    const mappings = [{ containerID: 0, hostID: 0, size: 10 }]
    const dir = rootlessBundle(box, { linux: { uidMappings: mappings, gidMappings: mappings } })
    const result = callAs(box, ['run', '--bundle', dir, box.id()])
    t.not(result.status, 0)
    t.match(result.stderr, /linux\.[ug]idMappings/, 'the error names the property')
  },
)

/** The directory of the containers' cgroups on v2, if the user may create some; else the reason why not. */
function delegated(): Skip {
  if (needsV2()) return needsV2()
  if (isRoot) return 'no cgroup is delegated to user 1000'
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'
  try {
    accessSync(join(cgroupMounts()[0]?.dir ?? '', own, '../cgroup.procs'), constants.W_OK)
    return false
  } catch {
    return 'the cgroup above is not delegated'
  }
}

scenario('limits in a delegated cgroup', { user: 'any', skip: delegated() }, (t, box) => {
  const bomb = 'i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; echo all'
  const bombed = rootlessBundle(box, { ...shell(bomb), linux: { resources: { pids: { limit: 15 } } } })
  const result = callAs(box, ['run', '--bundle', bombed, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /fork/)
  const hog = 'dd if=/dev/zero of=/dev/null bs=96M count=1 2>/dev/null; echo status $?'
  const memory = { limit: 32 << 20 }
  const hogging = rootlessBundle(box, { ...shell(hog), linux: { resources: { memory } } })
  t.match(callAs(box, ['run', '--bundle', hogging, box.id()]), { status: 0, stdout: 'status 137\n' })
  t.match(cgroups(), [], 'their cgroups are gone')
})

scenario('pause and update in a delegated cgroup', { user: 'any', skip: delegated() }, (t, box) => {
  const dir = rootlessBundle(box, { ...shell('sleep 1000'), linux: { resources: { pids: { limit: 15 } } } })
  const id = box.id()
  t.match(callAs(box, ['run', '--detach', '--bundle', dir, id]), { status: 0, stderr: '' })
  t.match(callAs(box, ['pause', id]), { status: 0, stderr: '' })
  t.match(callAs(box, ['state', id]).stdout, /"paused"/)
  t.match(callAs(box, ['resume', id]), { status: 0, stderr: '' })
  t.match(callAs(box, ['update', '--pids-limit', '1', id]), { status: 0, stderr: '' })
  const forks = callAs(box, ['exec', id, 'sh', '-c', 'sleep 0 & sleep 0 & wait'])
  t.not(forks.status, 0, 'the new limit holds')
  t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
})

scenario('a limit that cannot be set is an error', { skip: either(needsUser(), needsController('pids')) }, (t, box) => {
  const dir = rootlessBundle(box, { ...shell('true'), linux: { resources: { pids: { limit: 15 } } } })
  const result = callAs(box, ['run', '--bundle', dir, box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /cgroup.*(EACCES|EPERM)/, 'which says where and why')
})

scenario('exec in a created container fails, after start it succeeds', { user: 'any', skip: needsUser() }, (t, box) => {
  const dir = rootlessBundle(box, shell('sleep 1000'))
  const id = box.id()
  t.match(callAs(box, ['create', '--bundle', dir, id]), { status: 0, stderr: '' })
  const refused = callAs(box, ['exec', id, 'true'])
  t.match(refused, { status: 255, stderr: /is not open to an ordinary user before the container is started/ })
  t.match(callAs(box, ['start', id]), { status: 0, stderr: '' })
  t.match(callAs(box, ['exec', id, 'id', '-u']), { status: 0, stdout: '0\n' })
  t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
})

scenario('a container without a cgroup that shares its pid namespace', { user: 'any', skip: needsUser() }, (t, box) => {
  const namespaces = ['ipc', 'uts', 'mount', 'user'].map((type) => ({ type }))
  const mounts = [
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/proc', type: 'none', source: '/proc', options: ['rbind'] },
  ]
  const config = { ...shell('sleep 1000'), mounts, linux: { namespaces, maskedPaths: [], readonlyPaths: [] } }
  for (const word of [['KILL'], ['--all', 'KILL'], ['TERM']]) {
    const id = box.id()
    const dir = rootlessBundle(box, config)
    const log = join(dir, 'log')
    t.match(callAs(box, ['--log', log, 'run', '--detach', '--bundle', dir, id]), { status: 0, stderr: '' })
    if (isRoot)
      t.match(
        readFileSync(log, 'utf8'),
        /level=warning msg="linux\.namespaces: without cgroups .* only reach its first process/,
      )
    if (isRoot)
      t.match(callAs(box, ['ps', id]), { status: 1, stderr: /has no cgroups: .* or by a user who may make none/ })
    const words = word.filter((text) => text !== '--all')
    t.match(callAs(box, ['kill', ...(word.length > 1 ? ['--all'] : []), id, ...words]), { status: 0, stderr: '' })
    t.match(callAs(box, ['delete', '--force', id]), { status: 0, stderr: '' })
  }
})

/** root with a group of the host's that no container may have. */
const rootWithGroups = { wrap: ['setpriv', '--groups', '6'] }
const groups = 'grep -E "^(Groups|Uid|Gid)" /proc/self/status'

scenario("root's exec in the container of an ordinary user", { skip: needsUser() }, (t, box) => {
  const id = box.id()
  const dir = rootlessBundle(box, shell('sleep 1000'))
  t.match(callAs(box, ['run', '--detach', '--bundle', dir, id]), { status: 0 })
  const result = box.call(['exec', id, 'sh', '-c', groups], rootWithGroups)
  t.match(result, { status: 0, stdout: /^Uid:\s+0\s+0\s+0\s+0\nGid:\s+0\s+0\s+0\s+0\nGroups:\s*\n$/ })
  t.equal(result.stderr, '')
  const named = box.call(['exec', '--additional-gids', '0', id, 'true'])
  t.match(named, { status: 255, stderr: /process\.user\.additionalGids: setgroups: EPERM .*setgroups denied/ })
  const other = box.call(['exec', '--user', '7:7', id, 'true'])
  t.match(other, { status: 255, stderr: /process\.user\.gid: setresgid: EINVAL .*not mapped/ })
  t.equal(callAs(box, ['exec', id, 'true']).status, 0, "and the user's own")
  t.match(callAs(box, ['delete', '--force', id]), { status: 0 })
})

scenario("root joins an ordinary user's namespaces without its own groups", { skip: needsUser() }, (t, box) => {
  const id = box.id()
  const dir = rootlessBundle(box, shell('sleep 1000'))
  t.match(callAs(box, ['run', '--detach', '--bundle', dir, id]), { status: 0 })
  const { pid } = JSON.parse(callAs(box, ['state', id]).stdout)
  const namespaces = [
    { type: 'user', path: `/proc/${pid}/ns/user` },
    { type: 'mount' },
    { type: 'pid' },
    { type: 'uts' },
  ]
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
  ]
  const joining = box.bundle({ ...shell(groups), mounts, linux: { namespaces } }, { name: 'joining' })
  chownSync(joining.rootfs, user, user)
  const result = box.call(['run', '--bundle', joining.dir, box.id()], rootWithGroups)
  t.match(result.stdout, /^Groups:\s*$/m, result.stderr)
  t.match(callAs(box, ['delete', '--force', id]), { status: 0 })
})

scenario('KILL reaches a container whose cgroup is gone', { skip: needsV1('devices') }, (t, box) => {
  const { dir } = box.bundle({
    process: { args: ['sleep', '1000'] },
    linux: { namespaces: [{ type: 'mount' }] },
    hostname: undefined,
  })
  const id = box.id()
  t.match(box.call(['run', '--detach', '--bundle', dir, id]), { status: 0, stderr: '' })
  const pid = box.state(id)?.pid
  const cgroup = cgroupOf(pid, 'devices')
  writeFileSync(join(cgroupRoot('devices'), 'cgroup.procs'), `${pid}`)
  rmdirSync(cgroup)
  t.match(box.call(['kill', id, 'KILL']), { status: 0, stderr: '' })
  t.match(box.call(['delete', '--force', id]), { status: 0, stderr: '' })
})
