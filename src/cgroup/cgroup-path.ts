/**
 * Where a container's cgroup is: `linux.cgroupsPath` (config-linux.md, Cgroups Path) as runc's cgroupfs driver reads it.
 * An absolute path counts from the mount of each hierarchy, a relative one, and the default, which is the container's id,
 * from the runtime's own cgroup in it. systemd's `slice:prefix:name` is refused here; see systemd/unit.ts.
 */

import type { Problem } from '../errors.ts'
import type { CgroupHost, Hierarchy } from './hierarchies.ts'

/** The cgroup below each hierarchy's starting point: absolute or relative, clean, without a trailing slash. */
export function innerPath(id: string, cgroupsPath: string | undefined, problems: Problem[]): string {
  if (cgroupsPath?.split('/').includes('..')) {
    // runc clips what would lead out of the hierarchy: the container would be elsewhere than whoever wrote this thinks.
    problems.push({ path: 'linux.cgroupsPath', message: `${JSON.stringify(cgroupsPath)} must not have ".." in it` })
  }
  const inner = cleanPath(cgroupsPath ?? id)
  if (cgroupsPath !== undefined && isUnit(cgroupsPath)) {
    const message = `${JSON.stringify(cgroupsPath)} is a systemd unit (slice:prefix:name), which needs --systemd-cgroup`
    problems.push({ path: 'linux.cgroupsPath', message })
  }
  if (inner === '' || inner === '/') {
    // Limits and device rules would be the host's own.
    problems.push({ path: 'linux.cgroupsPath', message: `${JSON.stringify(cgroupsPath)} names the root cgroup` })
  }
  return inner
}

/** As engines write it for the systemd driver; a cgroup of that name would be nobody's wish. */
function isUnit(cgroupsPath: string): boolean {
  return cgroupsPath.includes(':') && /^([^/:]+\.slice)?:[^/:]*:[^/:]+$/.test(cgroupsPath)
}

/** The parts of a directory to make: what is there, as the hierarchy's mount point or the runtime's own cgroup, and the rest. */
export interface CgroupDirectory {
  readonly base: string
  readonly inner: string
}

export function cgroupDirectory(host: CgroupHost, hierarchy: Hierarchy, inner: string): CgroupDirectory {
  if (inner.startsWith('/')) return { base: hierarchy.mountpoint, inner: inner.slice(1) }
  return { base: trimSlash(hierarchy.mountpoint + relativeStart(host, hierarchy)), inner }
}

/**
 * On v2 a cgroup with processes cannot give controllers to its children: siblings of the runtime's own cgroup, not
 * children. Beside v1, where the v2 tree only groups processes, runc starts at its root.
 */
function relativeStart(host: CgroupHost, hierarchy: Hierarchy): string {
  if (hierarchy.version === 1) return hierarchy.own
  if (host.mode === 'hybrid') return '/'
  return hierarchy.own.slice(0, hierarchy.own.lastIndexOf('/'))
}

/** Without `.` and doubled slashes. */
function cleanPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return (path.startsWith('/') ? '/' : '') + parts.join('/')
}

function trimSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path
}
