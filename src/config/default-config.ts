/**
 * The config that `spec` writes, equal in meaning to that of `runc spec`, so that both run the same programs. A
 * document, not a parsed Config: it contains only what the user should see.
 */

import type { Json, JsonObject } from './json.ts'

export const OCI_VERSION = '1.3.0'

export interface DefaultConfigOptions {
  /** If the host only has cgroup v2, the container gets a cgroup namespace. */
  readonly cgroup: 'v1' | 'v2'
  /** The caller's IDs, for a container without privileges of the host. */
  readonly rootless?: { readonly uid: number; readonly gid: number }
}

export function defaultConfig({ cgroup, rootless }: DefaultConfigOptions): JsonObject {
  const config: JsonObject = {
    ociVersion: OCI_VERSION,
    process: defaultProcess(),
    root: { path: 'rootfs', readonly: true },
    hostname: 'runt',
    mounts: defaultMounts(),
    linux: defaultLinux(cgroup),
  }
  if (rootless === undefined) return config
  return { ...config, mounts: defaultMounts().map(withoutPrivileges), linux: rootlessLinux(cgroup, rootless) }
}

function defaultProcess(): Json {
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    // Not inheritable: files could grant those again (CVE-2022-29162). Hence not ambient either, because the kernel
    // would refuse them (capabilities(7)); runc wrote them until 1.2.
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  }
}

function mount(destination: string, type: string, source: string, options: string[]): JsonObject {
  return { destination, type, source, options }
}

function defaultMounts(): JsonObject[] {
  const hardened = ['nosuid', 'noexec', 'nodev']
  const devpts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', 'devpts', devpts),
    mount('/dev/shm', 'tmpfs', 'shm', [...hardened, 'mode=1777', 'size=65536k']),
    mount('/dev/mqueue', 'mqueue', 'mqueue', hardened),
    mount('/sys', 'sysfs', 'sysfs', [...hardened, 'ro']),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', [...hardened, 'relatime', 'ro']),
  ]
}

function defaultLinux(cgroup: 'v1' | 'v2'): JsonObject {
  const types = ['pid', 'network', 'ipc', 'uts', 'mount']
  if (cgroup === 'v2') types.push('cgroup')
  return {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: types.map((type) => ({ type })),
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/sys/firmware',
      '/proc/scsi',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  }
}

/** Group 5 is not mapped, and sysfs can only be mounted with a network namespace of one's own. */
function withoutPrivileges(entry: JsonObject): JsonObject {
  const options = (entry.options ?? []) as string[]
  if (entry.type === 'sysfs') return mount('/sys', 'none', '/sys', ['rbind', ...options])
  if (entry.type === 'devpts') return { ...entry, options: options.filter((option) => option !== 'gid=5') }
  return entry
}

/** The host's network, no limits, and a user namespace in which the caller is root. */
function rootlessLinux(cgroup: 'v1' | 'v2', { uid, gid }: { readonly uid: number; readonly gid: number }): JsonObject {
  const { namespaces, maskedPaths, readonlyPaths } = defaultLinux(cgroup) as { [key: string]: JsonObject[] }
  return {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
    namespaces: [...(namespaces ?? []).filter(({ type }) => type !== 'network'), { type: 'user' }],
    maskedPaths: maskedPaths ?? [],
    readonlyPaths: readonlyPaths ?? [],
  }
}
