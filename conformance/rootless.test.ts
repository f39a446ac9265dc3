/*
 * Containers of an ordinary user (runc-spec(8) --rootless; user_namespaces(7), newuidmap(1)): the runtime has no privileges, so
 * what it may do comes from the user namespace that it makes. Run as root, the tests become user 1000 with setpriv(1); run as
 * an ordinary user with a delegated cgroup, as in the virtual machine, limits are tried as well.
 */
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Json, type Patch, patched } from './harness/bundle.ts'
import { cgroupMounts, cgroups } from './harness/census.ts'
import { hasCommand } from './harness/project.ts'
import { either, needsCommand, needsV2, type Skip } from './harness/requires.ts'
import { type Box, type CallOptions, type Result, scenario } from './harness/scenario.ts'

const isRoot = process.getuid?.() === 0
const user = isRoot ? 1000 : (process.getuid?.() ?? 0)
const wrap = isRoot ? ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups'] : []
const needsUser = (): Skip => (isRoot ? needsCommand('setpriv') : false)

/** A call of the runtime by the ordinary user. */
const callAs = (box: Box, args: readonly string[], options: CallOptions = {}): Result =>
  box.call(args, { wrap, ...options })

/** A bundle whose config is that of `spec --rootless` with the patch; directory and state root are the user's. */
function rootlessBundle(box: Box, patch: Patch): string {
  const { dir } = box.bundle({}, { name: box.id() })
  const config = join(dir, 'config.json')
  if (isRoot) for (const path of [dir, config, box.root]) chownSync(path, user, user)
  const made = join(dir, 'made')
  mkdirSync(made)
  if (isRoot) chownSync(made, user, user)
  const spec = callAs(box, ['spec', '--rootless', '--bundle', made])
  if (spec.status !== 0) throw new Error(spec.stderr)
  const base = JSON.parse(readFileSync(join(made, 'config.json'), 'utf8')) as Json
  const quiet = { process: { terminal: false } }
  writeFileSync(config, JSON.stringify(patched(patched(base, quiet), patch)))
  return dir
}

const shell = (command: string): Patch => ({ process: { args: ['sh', '-c', command] } })

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
  'what such a container sees is its own, and the devices are there',
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

scenario('the whole life of a container', { user: 'any', skip: needsUser() }, (t, box) => {
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

scenario('ids that nobody has granted', { user: 'any', skip: either(needsUser(), needsRange()) }, (t, box) => {
  const mappings = [{ containerID: 0, hostID: 0, size: 10 }]
  const dir = rootlessBundle(box, { linux: { uidMappings: mappings, gidMappings: mappings } })
  const result = callAs(box, ['run', '--bundle', dir, box.id()])
  t.not(result.status, 0)
  t.match(result.stderr, /linux\.[ug]idMappings/, 'the error names the property')
})

/** The directory that holds the containers' cgroups on v2, where the user may make some; else why not. */
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

scenario('a limit that cannot be set is an error', { skip: needsUser() }, (t, box) => {
  const dir = rootlessBundle(box, { ...shell('true'), linux: { resources: { pids: { limit: 15 } } } })
  const result = callAs(box, ['run', '--bundle', dir, box.id()])
  t.equal(result.status, 1)
  t.match(result.stderr, /cgroup.*(EACCES|EPERM)/, 'which says where and why')
})
