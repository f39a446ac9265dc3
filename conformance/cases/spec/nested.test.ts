/*
 * The runtime with fewer privileges than on a host: in a container of its own, in user namespaces with and without their own mount
 * namespace, in a chroot. In each place one container runs to its end and another goes through its whole life cycle.
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'
import { type Json, mountsWith, type Patch, patched } from '../../harness/bundle.ts'
import { needsUser, wrap as toUser, user } from '../../harness/ordinary-user.ts'
import { runtime } from '../../harness/project.ts'
import { either, needsCommand, needsPlainProgram } from '../../harness/requires.ts'
import { type Box, runProgram, scenario } from '../../harness/scenario.ts'

/** The paths of the runtime, its state and its bundles in a place. */
interface Stage {
  readonly dir: string
  /** On the host. */
  readonly hostDir: string
}

/** Calls of the runtime, and what must be true of each. */
const life = `set -e
cd "$0"; r="./runt --root $0/state"
$r run --bundle quick one
$r create --bundle slow two >out 2>&1 </dev/null; $r start two
$r state two | grep -c running; $r exec two echo joined; $r kill two KILL; $r delete --force two
ls state`
const wanted = 'ran\n1\njoined\n'

/** A directory with the runtime and two bundles, below one that everybody can search. */
function stage(box: Box, patch: Patch, owner?: number): Stage {
  const hostDir = join(box.dir, 'stage')
  mkdirSync(join(hostDir, 'state'), { recursive: true })
  copyFileSync(resolve(runtime.path), join(hostDir, 'runt'))
  for (const [name, args] of [
    ['quick', ['echo', 'ran']],
    ['slow', ['sleep', '1000']],
  ] as const)
    box.bundle(patched(patch, { process: { args } }) as Patch, { name: `stage/${name}` })
  if (owner !== undefined) runProgram(box.dir, ['chown', '-R', `${owner}:${owner}`, hostDir])
  return { dir: hostDir, hostDir }
}

function lives(t: Test, box: Box, { dir }: Stage, place: readonly string[]): void {
  const result = runProgram(box.dir, [...place, 'sh', '-c', life, dir])
  t.equal(result.stderr, '')
  t.match(result, { status: 0, stdout: wanted })
}

/** In a user namespace with one id there is no group for terminals, and root is the only user. */
const oneId: Patch = {
  process: { rlimits: [] },
  mounts: mountsWith().map((mount) => {
    const { options = [] } = mount as { options?: readonly string[] }
    return { ...(mount as object), options: options.filter((option) => option !== 'gid=5') } as Json
  }),
}
const map = [{ containerID: 0, hostID: 0, size: 1 }]
const withUser: Patch = patched(oneId, {
  linux: {
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type })),
    uidMappings: map,
    gidMappings: map,
  },
}) as Patch

const places: Readonly<Record<string, readonly string[]>> = {
  'a user namespace': ['unshare', '-r'],
  'a user and a network namespace': ['unshare', '-rn'],
  'a user and a mount namespace': ['unshare', '-rm'],
  'a user, a mount and a pid namespace': ['unshare', '-rmpf', '--mount-proc'],
}
for (const [name, place] of Object.entries(places)) {
  for (const [kind, patch] of [
    ['without a user namespace', oneId],
    ['with a user namespace', withUser],
  ] as const) {
    scenario(`root’s runtime in ${name} of its own, the container ${kind}`, {}, (t, box) =>
      lives(t, box, stage(box, patch), place),
    )
    scenario(`a user’s runtime in ${name} of its own, the container ${kind}`, { skip: needsUser() }, (t, box) =>
      lives(t, box, stage(box, patch, user), [...toUser, ...place]),
    )
  }
}

scenario('in a chroot', { skip: either(needsCommand('chroot'), needsPlainProgram()) }, (t, box) => {
  const { hostDir } = stage(box, {})
  const root = join(box.dir, 'root')
  // A mount point, as pivot_root(2) requires: without one runc fails, too.
  box.bundle({}, { name: 'root-of' })
  runProgram(box.dir, ['cp', '-a', join(box.dir, 'root-of/rootfs'), root])
  mkdirSync(join(root, 'stage'))
  const enter = `mount --make-rprivate / && mount --bind "$0" "$0" && cd "$0" && mount --rbind /sys sys && mount --rbind /dev dev && mount -t proc proc proc &&
    mount --bind "$1" stage && shift && exec chroot . "$@"`
  lives(t, box, { dir: '/stage', hostDir }, ['unshare', '-m', 'sh', '-c', enter, root, hostDir])
  rmSync(root, { recursive: true })
})

const caps = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'MKNOD', 'NET_ADMIN', 'NET_BIND_SERVICE', 'AUDIT_WRITE'],
  ...['SETGID', 'SETPCAP', 'SETUID', 'SYS_ADMIN', 'SYS_CHROOT'],
].map((name) => `CAP_${name}`)

/** A container whose root may mount and make devices and cgroups, and in which the stage is at /stage. */
function outer(box: Box, { hostDir }: Stage, how: { readonly more: readonly Json[]; readonly linux: Patch }): string {
  const process = {
    args: ['sh', '-c', life, '/stage'],
    capabilities: { bounding: caps, effective: caps, permitted: caps },
    noNewPrivileges: false,
  }
  const mounts = mountsWith({ destination: '/stage', type: 'bind', source: hostDir, options: ['rbind'] }, ...how.more)
  const linux = { maskedPaths: [], readonlyPaths: [], resources: { devices: [{ allow: true, access: 'rwm' }] } }
  return box.bundle({ process, mounts, root: { readonly: false }, linux: patched(linux, how.linux) as Patch }).dir
}

const all = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type }))
const mapped = [{ containerID: 0, hostID: 0, size: 65536 }]
const cgroups = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'nodev', 'noexec'],
}
const cover = { destination: '/sys/fs/cgroup', type: 'tmpfs', source: 'tmpfs' }
const inUser = { namespaces: [...all, { type: 'user' }], uidMappings: mapped, gidMappings: mapped }

for (const [name, how] of Object.entries({
  'with a writable cgroup mount': { more: [cgroups], linux: { namespaces: all } },
  'with a user namespace, whose cgroups are not its own': { more: [cgroups], linux: inUser },
  'with a user namespace, where /sys/fs/cgroup is covered': { more: [cgroups, cover], linux: inUser },
})) {
  scenario(`in a container ${name}`, { skip: needsPlainProgram() }, (t, box) => {
    const made = stage(box, {})
    const result = box.call(['run', '--bundle', outer(box, made, how), box.id()])
    t.match(result, { status: 0, stdout: wanted, stderr: '' })
  })
}

scenario('in a container without cgroups root gets an error', { skip: needsPlainProgram() }, (t, box) => {
  const how = { more: [cgroups, cover], linux: { namespaces: all } }
  const result = box.call(['run', '--bundle', outer(box, stage(box, {}), how), box.id()])
  t.match(result, { status: 1, stdout: '', stderr: /run one: linux\.cgroupsPath: no cgroup hierarchy is mounted/ })
})
