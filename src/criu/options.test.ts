/* The options for CRIU, from configs and flags. */
import t from 'tap'
import type { FlagsOf } from '../cli/command-table.ts'
import { parseCommandLine } from '../cli/parse.ts'
import { parseConfig } from '../config/parse-config.ts'
import { dumpOptions } from './dump-options.ts'
import { externalMounts } from './external.ts'
import { restoreOptions } from './restore-options.ts'

function flagsOf<C extends 'checkpoint' | 'restore'>(command: C, ...args: readonly string[]): FlagsOf<C> {
  const line = parseCommandLine([command, ...args, 'x'])
  if (line.kind !== 'command') throw new Error(`usage: ${args.join(' ')}`)
  return line.flags as unknown as FlagsOf<C>
}

const config = parseConfig(
  JSON.stringify({
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } },
    mounts: [
      { destination: '/data', type: 'bind', source: 'data', options: ['rbind'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' },
    ],
    linux: {
      namespaces: [{ type: 'network', path: '/run/netns/a' }, { type: 'ipc', path: '/run/ipc' }, { type: 'mount' }],
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
    },
  }),
  'config.json',
).config

const sources = {
  bundle: '/bundle',
  host: {
    mode: 'hybrid',
    hierarchies: [
      { version: 1, controllers: ['cpu', 'cpuacct'], mountpoint: '/sys/fs/cgroup/cpu,cpuacct', root: '/', own: '/' },
      { version: 2, controllers: [], mountpoint: '/sys/fs/cgroup/unified', root: '/', own: '/' },
    ],
  },
  cgroups: { cpu: '/sys/fs/cgroup/cpu,cpuacct/x', '': '/sys/fs/cgroup/unified/x' },
} as const

t.test('external mounts and their paths on the host', async (t) => {
  const mounts = externalMounts(config, sources)
  const sourceOf = (path: string) => mounts.find(({ name }) => name === path)?.source
  t.equal(sourceOf('/data'), '/bundle/data')
  t.equal(sourceOf('/sys/fs/cgroup/cpu,cpuacct'), '/sys/fs/cgroup/cpu,cpuacct/x')
  t.equal(sourceOf('/sys/fs/cgroup/unified'), '/sys/fs/cgroup/unified/x')
  t.equal(sourceOf('/dev/fuse'), '/dev/fuse')
  t.equal(sourceOf('/dev/null'), '/dev/null')
})

t.test('the one cgroup mount of v2', async (t) => {
  const host = { mode: 'v2', hierarchies: [{ ...sources.host.hierarchies[1], mountpoint: '/sys/fs/cgroup' }] } as const
  const mounts = externalMounts(config, { ...sources, host, cgroups: { '': '/sys/fs/cgroup/x' } })
  t.match(
    mounts.filter(({ name }) => name.startsWith('/sys')),
    [{ name: '/sys/fs/cgroup', source: '/sys/fs/cgroup/x' }],
  )
})

t.test('joined namespaces have the same name in checkpoint and restore', async (t) => {
  const dumped = dumpOptions(
    config,
    { pid: 7, rootfs: '/r', mounts: [], freezer: '/f', namespaces: { network: '123' } },
    flagsOf('checkpoint', '--leave-running'),
  )
  t.match(dumped, { pid: 7, root: '/r', leave_running: true, freeze_cgroup: '/f', external: ['net[123]:extRootNetNS'] })
  const restored = restoreOptions(
    config,
    {
      rootfs: '/r',
      mounts: [],
      cgroups: { cpu: '/x' },
      streams: ['/dev/null', 'pipe:[1]', 'pipe:[2]'],
      firstNamespace: 4,
    },
    flagsOf('restore', '--lsm-profile', 'apparmor:x'),
  )
  t.same(restored.inherit_fd, [
    { key: 'pipe:[1]', fd: 1 },
    { key: 'pipe:[2]', fd: 2 },
    { key: 'extRootNetNS', fd: 4 },
  ])
  t.match(restored, {
    rst_sibling: true,
    lsm_profile: 'apparmor:x',
    cg_root: [{ ctrl: 'cpu', path: '/x' }],
    join_ns: [{ ns: 'ipc', ns_file: '/run/ipc' }],
  })
})

t.test('flags that CRIU knows by other names', async (t) => {
  const asked = (...args: readonly string[]) =>
    dumpOptions(
      config,
      { pid: 7, rootfs: '/r', mounts: [], freezer: undefined, namespaces: {} },
      flagsOf('checkpoint', ...args),
    )
  t.match(asked('--page-server', '127.0.0.1:80').ps, { address: '127.0.0.1', port: 80 })
  t.match(asked('--page-server', '[::1]:80').ps, { address: '::1', port: 80 })
  t.match(asked('--manage-cgroups-mode', 'strict'), { manage_cgroups_mode: 5 })
  t.match(asked('--pre-dump', '--parent-path', '../a'), { track_mem: true, parent_img: '../a', leave_running: true })
  t.equal(asked('--pre-dump').ext_mnt, undefined)
  for (const bad of [
    ['--page-server', ':80'],
    ['--page-server', 'a:0'],
    ['--empty-ns', 'user'],
    ['--manage-cgroups-mode', 'x'],
  ])
    t.throws(() => asked(...bad), { code: 'usage' }, bad.join(' '))
})
