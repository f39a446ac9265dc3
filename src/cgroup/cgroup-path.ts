/**
 * The path of a container's cgroup: `linux.cgroupsPath` (config-linux.md, Cgroups Path), interpreted as by runc's
 * cgroupfs driver. An absolute path is relative to the mount point of each hierarchy; a relative one, and the default,
 * which is the container's id, to the runtime's own cgroup in it. systemd's `slice:prefix:name` is refused here; see
 * systemd/unit.ts.
 */

import type { Problem } from '../errors.ts'
import type { CgroupHost, Hierarchy } from './hierarchies.ts'

/** The cgroup relative to each hierarchy's starting point: absolute or relative, clean, without a trailing slash. */
export function innerPath(id: string, cgroupsPath: string | undefined, problems: Problem[]): string {
  if (cgroupsPath?.split('/').includes('..')) {
    // runc clips a path that leaves the hierarchy: the container would be in another cgroup than its author expects.
    problems.push({ path: 'linux.cgroupsPath', message: `${JSON.stringify(cgroupsPath)} must not have ".." in it` })
  }
  const inner = cleanPath(cgroupsPath ?? id)
  if (cgroupsPath !== undefined && isUnit(cgroupsPath)) {
    const message = `${JSON.stringify(cgroupsPath)} is a systemd unit (slice:prefix:name), which needs --systemd-cgroup`
    problems.push({ path: 'linux.cgroupsPath', message })
  }
  if (inner === '' || inner === '/') {
    // Limits and device rules would apply to the host.
    problems.push({ path: 'linux.cgroupsPath', message: `${JSON.stringify(cgroupsPath)} names the root cgroup` })
  }
  return inner
}

/** Engines write this form for the systemd driver; nobody wants a cgroup of that name. */
function isUnit(cgroupsPath: string): boolean {
  return cgroupsPath.includes(':') && /^([^/:]+\.slice)?:[^/:]*:[^/:]+$/.test(cgroupsPath)
}

/** A directory to create in two parts: the existing one (mount point or the runtime's own cgroup), and the rest. */
export interface CgroupDirectory {
  readonly base: string
  readonly inner: string
}

export function cgroupDirectory(host: CgroupHost, hierarchy: Hierarchy, inner: string): CgroupDirectory {
  if (inner.startsWith('/')) return { base: hierarchy.mountpoint, inner: inner.slice(1) }
  return { base: trimSlash(hierarchy.mountpoint + relativeStart(host, hierarchy)), inner }
}

/**
 * On v2 a cgroup with processes cannot enable controllers for its children, so the container's cgroup is a sibling of
 * the runtime's. On a hybrid host, where the v2 hierarchy only groups processes, runc starts at its root.
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
