/**
 * Parses the host's cgroup hierarchies and the runtime's own cgroup in each (cgroups(7), proc_pid_cgroup(5),
 * proc_pid_mountinfo(5)). Distinguishes v1, hybrid and v2 hosts; knows nothing about containers.
 */

import type { HostProbe } from '../native.ts'

/** One mounted hierarchy. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Names as in /proc/self/cgroup (`memory`, `name=systemd`); of the v2 tree those in its root's cgroup.controllers. */
  readonly controllers: readonly string[]
  readonly mountpoint: string
  /** The directory of the hierarchy that is mounted there: not `/` inside a container without a cgroup namespace. */
  readonly root: string
  /** The runtime's own cgroup relative to the mount point (`/`: the mounted root, or outside of it). */
  readonly own: string
}

/** `hybrid`: controllers on v1 and a v2 hierarchy beside them. `v2`: only v2 is used. */
export interface CgroupHost {
  readonly mode: 'v1' | 'hybrid' | 'v2' | 'none'
  readonly hierarchies: readonly Hierarchy[]
}

type Probe = Pick<HostProbe, 'cgroupMounts' | 'ownCgroups' | 'unifiedControllers'>

interface MountLine {
  readonly mountpoint: string
  readonly root: string
  readonly type: string
  readonly superOptions: string
}

/** Super block options of a v1 mount that are not controllers. */
const MOUNT_FLAGS = ['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode', 'none', 'all', 'favordynmods']

/** The host's hierarchies, from what the addon has read. */
export function parseHierarchies(probe: Probe): CgroupHost {
  const own = parseOwnCgroups(probe.ownCgroups)
  const legacy: Hierarchy[] = []
  let unified: MountLine | undefined
  for (const line of probe.cgroupMounts) {
    const mount = parseMountLine(line)
    if (mount?.type === 'cgroup') legacy.push(legacyHierarchy(mount, own))
    else if (mount?.type === 'cgroup2') unified ??= mount
  }
  const v1 = uniqueHierarchies(legacy)
  if (unified === undefined) return { mode: v1.length === 0 ? 'none' : 'v1', hierarchies: v1 }

  const v2: Hierarchy = {
    version: 2,
    controllers: words(probe.unifiedControllers),
    mountpoint: unified.mountpoint,
    root: unified.root,
    own: below(unified.root, own.get('') ?? '/'),
  }
  // As in runc: the file system mounted at /sys/fs/cgroup decides; a stray v1 mount beside it is ignored.
  if (v2.mountpoint === '/sys/fs/cgroup' || v1.length === 0) return { mode: 'v2', hierarchies: [v2] }
  return { mode: 'hybrid', hierarchies: [...v1, v2] }
}

/** The hierarchy that has the controller, if any. */
export function findHierarchy(host: CgroupHost, controller: string): Hierarchy | undefined {
  return host.hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller))
}

/** The v2 tree, if the host has one. */
export function unifiedHierarchy(host: CgroupHost): Hierarchy | undefined {
  return host.hierarchies.find((hierarchy) => hierarchy.version === 2)
}

/** The text of /proc/PID/cgroup as a map from each controller (`''` for v2) to the process's cgroup. */
export function parseOwnCgroups(text: string): Map<string, string> {
  const own = new Map<string, string>()
  for (const line of text.split('\n')) {
    const first = line.indexOf(':')
    const second = line.indexOf(':', first + 1) // names and paths may contain colons, the first two fields may not
    if (first < 0 || second < 0) continue
    const path = line.slice(second + 1)
    const controllers = line.slice(first + 1, second)
    if (controllers.includes(',')) for (const controller of controllers.split(',')) own.set(controller, path)
    else own.set(controllers, path)
  }
  return own
}

function legacyHierarchy(mount: MountLine, own: ReadonlyMap<string, string>): Hierarchy {
  const controllers: string[] = []
  let path: string | undefined
  for (const option of mount.superOptions.split(',')) {
    const known = own.get(option)
    if (known !== undefined) path = known
    else if (MOUNT_FLAGS.includes(option) || option.startsWith('release_agent=')) continue
    controllers.push(option)
  }
  return {
    version: 1,
    controllers,
    mountpoint: mount.mountpoint,
    root: mount.root,
    own: below(mount.root, path ?? '/'),
  }
}

/** A hierarchy may be mounted several times: takes the mount below /sys/fs/cgroup, else the first. */
function uniqueHierarchies(all: readonly Hierarchy[]): Hierarchy[] {
  const unique = new Map<string, Hierarchy>()
  for (const hierarchy of all) {
    const key =
      hierarchy.controllers.length === 1 ? (hierarchy.controllers[0] as string) : hierarchy.controllers.join(',')
    const known = unique.get(key)
    const better = known !== undefined && !isStandard(known) && isStandard(hierarchy)
    if (key !== '' && (known === undefined || better)) unique.set(key, hierarchy)
  }
  return [...unique.values()]
}

function isStandard(hierarchy: Hierarchy): boolean {
  return hierarchy.mountpoint.startsWith('/sys/fs/cgroup/')
}

/** In a nested container /proc/self/cgroup shows the path on the host; the mount only shows the part below `root`. */
function below(root: string, path: string): string {
  if (path.startsWith('/..')) return '/'
  if (root === '/') return path
  if (path === root) return '/'
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
}

/**
 * `31 23 0:28 ROOT MOUNTPOINT OPTIONS FIELDS… - TYPE SOURCE SUPEROPTIONS`, parsed by position: a command reads a dozen
 * of them.
 */
function parseMountLine(line: string): MountLine | undefined {
  const separator = line.indexOf(' - ')
  let root = 0
  for (let field = 0; field < 3; field++) root = line.indexOf(' ', root) + 1
  const mountpoint = line.indexOf(' ', root) + 1
  const end = line.indexOf(' ', mountpoint)
  if (separator < 0 || end < 0 || end > separator) return undefined
  return {
    root: decodeOctal(line.slice(root, mountpoint - 1)),
    mountpoint: decodeOctal(line.slice(mountpoint, end)),
    type: line.slice(separator + 3, line.indexOf(' ', separator + 3)),
    superOptions: line.slice(line.lastIndexOf(' ') + 1),
  }
}

/** mountinfo escapes blanks, tabs, newlines and backslashes as octal (proc_pid_mountinfo(5)). */
export function decodeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

function words(text: string): string[] {
  return text.split(/[ \n]/).filter((word) => word !== '')
}
