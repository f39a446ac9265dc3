/*
 * Runs the same bundle with runc and with the runtime under test: the process's report must be equal except for names,
 * numbers that the kernel assigns, and the listed differences. It finds what default-config.test.ts does not check.
 */
import { mountsWith, type Patch } from '../harness/bundle.ts'
import { type MountLine, probing, type Report, readReport } from '../harness/probe.ts'
import { findRuntime } from '../harness/project.ts'
import { type Box, scenario } from '../harness/scenario.ts'

const peer = findRuntime('runc')
const skip = peer === undefined ? 'no runc' : false

const files = [
  'status',
  'mountinfo',
  'cgroup',
  'oom_score_adj',
  'limits',
  'timerslack_ns',
  'coredump_filter',
  'loginuid',
]
const topics = [
  ...files.map((name) => `file:/proc/self/${name}`),
  ...[
    'process',
    'rlimits',
    'env',
    'ns',
    'hostname',
    'dir:/',
    'dir:/dev',
    'dir:/dev/pts',
    'dir:/proc/acpi',
    'dir:/sys/firmware',
  ],
  ...[
    'null',
    'zero',
    'full',
    'random',
    'urandom',
    'tty',
    'ptmx',
    'fd',
    'stdin',
    'stdout',
    'stderr',
    'pts/ptmx',
    'shm',
    'mqueue',
    'pts',
    '',
  ].map((name) => `stat:/dev/${name}`),
  ...['keys', 'timer_list', 'sys', 'bus', 'fs', 'irq', 'acpi'].map((name) => `stat:/proc/${name}`),
  ...['/proc/sys/kernel/hostname', '/proc/keys', '/dev/null'].map((path) => `write:${path}`),
  ...['/new', '/dev/new', '/dev/shm/new', '/proc/acpi/new', '/sys/new', '/sys/fs/cgroup/memory/new'].map(
    (path) => `create:${path}`,
  ),
  'file:/proc/net/dev',
  'file:/sys/class/net/lo/flags',
  'mknod:c:10:200:/dev/shm/x',
  'try:mount',
  'try:unshare',
  'try:sethostname',
]

const statusKeys =
  'Umask Tgid Pid PPid TracerPid Uid Gid Groups NStgid NSpid NSpgid NSsid Threads SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters Cpus_allowed_list Mems_allowed_list'.split(
    ' ',
  )

/* Equivalent alternatives: the cover of a masked path, and the tmpfs below the cgroup mounts (runc 1.1 leaves it rw). */
const covered = /^\/(proc\/(acpi|keys|timer_list|sched_debug|scsi|kcore|asound)|sys\/firmware|etc\/masked)$/

const mountText = (mount: MountLine): string => {
  const flags = mount.options.filter((option) => option !== 'ro' && option !== 'rw' && !covered.test(mount.target))
  const access = mount.options.find((option) => option === 'ro' || option === 'rw')
  if (covered.test(mount.target)) return `${mount.target} covered`
  if (mount.target === '/sys/fs/cgroup') return `${mount.target} ${mount.type}`
  if (mount.type === 'cgroup')
    return `${mount.target} ${access} ${flags.sort().join()} ${[...mount.superOptions].sort().join()}`
  const own = mount.superOptions.filter((option) => option !== 'ro' && option !== 'rw' && !option.startsWith('resuid'))
  return `${mount.target} ${mount.type} ${access} ${flags.sort().join()} ${own.sort().join()} ${mount.propagation.join()}`
}

/** The report as comparable lines, by section. */
function normalised(report: Report, id: string): Record<string, readonly string[]> {
  const picture: Record<string, readonly string[]> = {}
  for (const topic of topics) {
    const lines = report.lines(topic).map((line) => line.replaceAll(id, 'ID'))
    if (topic === 'file:/proc/self/mountinfo') {
      // hybrid: runc 1.1 does not mount the v2 hierarchy in the container.
      picture[topic] = report
        .mounts()
        .filter((mount) => mount.target !== '/sys/fs/cgroup/unified')
        .map(mountText)
        .sort()
    } else if (topic === 'file:/proc/self/status') {
      picture[topic] = lines.filter((line) => statusKeys.includes(line.split(':')[0] ?? ''))
    } else if (topic === 'ns') {
      picture[topic] = lines.map((line) =>
        line.replace(/:\[\d+\]/, (inode) => (hostNamespaces.has(inode) ? ' host' : ' new')),
      )
    } else if (topic === 'file:/proc/self/cgroup') {
      picture[topic] = lines.filter((line) => !line.startsWith('0::'))
    } else if (topic === 'dir:/dev') {
      picture[topic] = lines.filter((line) => line !== 'core')
    } else if (topic === 'env') {
      picture[topic] = [...lines].sort()
    } else if (/^stat:\/(dev\/|dev|proc\/acpi)$/.test(topic)) {
      picture[topic] = lines.map((line) =>
        line
          .split(' ')
          .slice(0, topic.includes('acpi') ? 1 : 3)
          .join(' '),
      )
    } else if (topic === 'create:/proc/acpi/new') {
      picture[topic] = [String(lines[0] === 'ok')]
    } else {
      picture[topic] = lines
    }
  }
  return picture
}

/* Inodes of the initial namespaces are fixed numbers, proc_ns.h. */
const hostNamespaces = new Set([31, 32, 33, 34, 35, 36, 37, 38, 39].map((low) => `:[40265318${low}]`))

function pictureOf(box: Box, dir: string, runtime?: string): Record<string, readonly string[]> {
  const id = box.id()
  const result = box.call(['run', '--bundle', dir, id], runtime === undefined ? {} : { runtime })
  return normalised(readReport(result), id)
}

const variants: Readonly<Record<string, Patch>> = {
  'the default config': {},
  'a user with groups and a umask': {
    process: {
      user: { uid: 1000, gid: 1000, additionalGids: [4, 5], umask: 0o077 },
      cwd: '/tmp',
      env: ['A=1', 'PATH=/bin'],
    },
  },
  'all capabilities but one, no no_new_privs': {
    process: {
      noNewPrivileges: false,
      capabilities: Object.fromEntries(
        ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'].map((set) => [
          set,
          ['CAP_CHOWN', 'CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_NET_RAW'],
        ]),
      ),
    },
  },
  'a writable root, more mounts and devices': {
    root: { readonly: false },
    mounts: mountsWith(
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777', 'size=1m'] },
      { destination: '/mnt/deep/etc', type: 'bind', source: '/etc', options: ['rbind', 'ro', 'nosuid', 'noexec'] },
      { destination: '/file', type: 'bind', source: '/etc/passwd', options: ['bind', 'ro'] },
    ),
    linux: {
      devices: [{ path: '/dev/tun', type: 'c', major: 10, minor: 200, fileMode: 0o600, uid: 3, gid: 4 }],
      maskedPaths: ['/proc/keys'],
      readonlyPaths: ['/proc/sys'],
    },
  },
  'every namespace but user and time': {
    linux: { namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })) },
  },
  'few namespaces': {
    hostname: undefined,
    linux: { namespaces: [{ type: 'mount' }, { type: 'ipc' }] },
  },
}

for (const [name, patch] of Object.entries(variants)) {
  // crun differs in many harmless ways; as a control it would only show that this test can fail.
  scenario(`as runc: ${name}`, { skip, peers: { crun: 'differs on purpose' } }, (t, box) => {
    // SigIgn: with runc, signals that its caller ignores (tap's does) stay ignored; runt resets all of them.
    const hostDependent =
      name === 'few namespaces' ? /^(Tgid|Pid|PPid|NS\w+|SigIgn):|^(pid|ppid|sid|pgid) / : /^SigIgn:/
    const config = probing(topics, patch)
    const expected = pictureOf(box, box.bundle(config, { name: 'peer' }).dir, peer?.path)
    const found = pictureOf(box, box.bundle(config, { name: 'mine' }).dir)
    for (const topic of topics) {
      const keep = (lines: readonly string[] | undefined) => (lines ?? []).filter((line) => !hostDependent.test(line))
      t.same(keep(found[topic]), keep(expected[topic]), topic)
    }
  })
}
