/*
 * Bundles for the tests: a root file system of static busybox and the probe, and config.json from the default config
 * with a patch. The default config is written out here, from the runtime spec (config.md, config-linux.md) and equal in
 * meaning to runc's `spec`; it is not taken from the runtime under test.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compiled } from './project.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
export type Patch = { readonly [key: string]: Json | undefined }

export interface Bundle {
  readonly dir: string
  readonly rootfs: string
  readonly config: string
}

export interface BundleOptions {
  /** config.json as text, for what JSON.stringify cannot write. */
  readonly text?: string
  /** 'empty': without contents; 'none': without the directory. */
  readonly rootfs?: 'busybox' | 'empty' | 'none'
  /** Name of the bundle's directory. */
  readonly name?: string
}

const caps = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

/** The default config: no terminal, for tests that read the output. crun 1.8 accepts its ociVersion, too. */
export const defaultConfig = {
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: ['true'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: caps, effective: caps, permitted: caps },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'conformance',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
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
  },
}

const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects merge, all other values replace, undefined removes. */
export function patched(base: unknown, patch: unknown): unknown {
  if (!isObject(base) || !isObject(patch)) return patch
  const result: { [key: string]: unknown } = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) delete result[key]
    else result[key] = patched(base[key], value)
  }
  return result
}

/** The default mounts and more, because a patch replaces arrays. */
export const mountsWith = (...more: readonly Json[]): readonly Json[] => [...defaultConfig.mounts, ...more]

/** The default mounts without those at the destinations. */
export const mountsWithout = (...destinations: readonly string[]): readonly Json[] =>
  defaultConfig.mounts.filter((mount) => !destinations.includes(mount.destination))

const helpers = ['probe', 'attacker'] as const

let applets: readonly string[] | undefined

/** Fills a directory with busybox, its applets, the probe, and the few files a container expects. */
export function makeRootfs(dir: string, store: string): void {
  const busybox = join(store, 'busybox')
  if (!existsSync(busybox)) copyFileSync('/bin/busybox', busybox)
  for (const name of helpers) if (!existsSync(join(store, name))) copyFileSync(compiled(name), join(store, name))
  applets ??= execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const sub of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp', 'var']) mkdirSync(join(dir, sub))
  // A test that writes to its root file system must not change another's: the files are hard links to the store, but
  // every test that overwrites a program replaces the directory entry first.
  linkSync(busybox, join(dir, 'bin/busybox'))
  for (const name of helpers) linkSync(join(store, name), join(dir, 'bin', name))
  // One symbolic link with many names: 269 new inodes take fifteen times as long.
  const applet = join(store, 'applet')
  if (!existsSync(applet)) symlinkSync('busybox', applet)
  for (const name of applets) if (name !== 'busybox') linkSync(applet, join(dir, 'bin', name))
  writeFileSync(join(dir, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n')
  writeFileSync(join(dir, 'etc/group'), 'root:x:0:\ntty:x:5:\nuser:x:1000:\n')
}

/** Makes the bundle below a scratch directory; `store` is the directory of the shared programs. */
export function makeBundle(scratch: string, store: string, patch: Patch, options: BundleOptions): Bundle {
  const dir = join(scratch, options.name ?? 'bundle')
  const rootfs = join(dir, 'rootfs')
  const config = join(dir, 'config.json')
  mkdirSync(dir, { mode: 0o755 })
  if (options.rootfs !== 'none') mkdirSync(rootfs, { mode: 0o755 })
  if ((options.rootfs ?? 'busybox') === 'busybox') makeRootfs(rootfs, store)
  writeFileSync(config, options.text ?? JSON.stringify(patched(defaultConfig, patch), null, 2))
  return { dir, rootfs, config }
}
