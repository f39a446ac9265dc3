/**
 * The systemd unit of a container (runc's docs/systemd.md; systemd.slice(5), systemd.scope(5)): `linux.cgroupsPath` is
 * `slice:prefix:name`. Derives names and the cgroup that systemd will create for them.
 */

import { RuntError } from '../errors.ts'

export interface Unit {
  /** `docker-1234.scope`. */
  readonly name: string
  /** Its slice: `system.slice`. */
  readonly slice: string
  /** The unit's Description. */
  readonly description: string
}

/** Which systemd: the system's, or that of an unprivileged user's session. */
export type ManagerKind = 'system' | 'user'

export function parseUnit(id: string, cgroupsPath: string | undefined, manager: ManagerKind): Unit {
  // Unit names allow all characters of ids except the plus sign: escaped as in systemd-escape(1).
  const parts = cgroupsPath?.split(':') ?? ['', 'runt', id.replaceAll('+', '\\x2b')]
  const [parent, prefix, name] = parts
  if (parts.length !== 3 || parent === undefined || prefix === undefined || name === undefined || name === '') {
    throw fault(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`,
    )
  }
  // runc creates a slice then, whose processes systemd does not attribute to it.
  if (name.endsWith('.slice')) throw fault(`${JSON.stringify(name)} names a slice, which may not hold processes`)
  const unit = prefix === '' ? `${name}.scope` : `${prefix}-${name}.scope`
  // unit_name_is_valid() of systemd. Also, a slash would lead out of the slice's directory.
  if (!/^[A-Za-z0-9:_.\\@-]{1,255}$/.test(unit)) throw fault(`${JSON.stringify(unit)} is not a valid unit name`)
  const slice = parent === '' ? `${manager}.slice` : parent
  expandSlice(slice)
  return { name: unit, slice, description: `runt container ${id}` }
}

/** The directory of a slice relative to the manager's own: `a-b.slice` is `/a.slice/a-b.slice`, `-.slice` the root. */
export function expandSlice(slice: string): string {
  const invalid = () => fault(`invalid slice name ${JSON.stringify(slice)}`)
  if (!slice.endsWith('.slice') || slice.includes('/')) throw invalid()
  const name = slice.slice(0, -'.slice'.length)
  if (name === '-') return ''
  const parts = name.split('-')
  if (parts.includes('')) throw invalid()
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('-')}.slice`).join('')
}

/**
 * The unit's cgroup below each hierarchy's root. `managerCgroup` is the manager's own ControlGroup property: '' or '/' for
 * the system's, `/user.slice/user-1000.slice/user@1000.service` for a user's.
 */
export function unitCgroup(unit: Unit, managerCgroup: string): string {
  return `${managerCgroup === '/' ? '' : managerCgroup}${expandSlice(unit.slice)}/${unit.name}`
}

function fault(message: string): RuntError {
  return new RuntError('config', `linux.cgroupsPath: ${message}`, { path: 'linux.cgroupsPath' })
}
