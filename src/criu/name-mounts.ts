// Finds the mounts of a running container that belong to the host, and the name under which `restore` finds each again.
// A mount without a name could not be restored: it is refused before CRIU is called, while the container runs.

import type { Linux } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import { RuntError } from '../errors.ts'
import { isWithin, type MountIdentity, type MountLine } from '../host/mount-table.ts'
import { type ExternalMount, MASK_NAME } from './external.ts'

/** The current identity of a mount's source on the host, or why it cannot be determined. */
export type Found = MountIdentity | { readonly problem: string }

/** A mount of the host's with the identity of its source. */
export interface FoundMount {
  readonly mount: ExternalMount
  readonly found: Found
}

export interface NamedMount {
  readonly point: string
  readonly name: string
}

/** The names by mount point, which is CRIU's key for mounts. Throws for a mount that `restore` could not make again. */
export function nameMounts(table: readonly MountLine[], hosts: readonly FoundMount[], linux: Linux): NamedMount[] {
  const root = table.find(({ point }) => point === '/')
  const others = table.filter(({ point }) => point !== '/')
  const names = new Map(others.map((line) => [line.id, nameOf(line, hosts)]))
  const widest = [...(root === undefined ? [] : [root]), ...others.filter(({ id }) => names.get(id) !== undefined)]
  for (const line of others) {
    if (names.get(line.id) === undefined) requireOwn(line, others, widest, hosts)
    else if (line.options.includes('idmapped')) throw refusal(line, hosts, 'CRIU does not restore id-mapped mounts')
  }
  const points = new Set(others.filter(({ id }) => names.get(id) !== undefined).map(({ point }) => point))
  return [...points].map((point) => ({ point, name: nameAt(point, { others, names, hosts, linux }) }))
}

/**
 * A mount is identified by what it shows: its mount point may have been reached by links, which the container can
 * change.
 */
function nameOf({ device, root, point, isReadOnly }: MountLine, hosts: readonly FoundMount[]): string | undefined {
  const same = hosts.filter(({ found }) => 'root' in found && found.device === device && found.root === root)
  const alike = same.filter(({ mount }) => mount.isReadOnly === isReadOnly)
  const best = alike.length > 0 ? alike : same
  return (best.find(({ mount }) => mount.place === point) ?? best[0])?.mount.name
}

/**
 * Checks the other mounts: CRIU recreates the container's own file systems, or fails, and derives mounts from wider
 * ones.
 */
function requireOwn(
  line: MountLine,
  others: readonly MountLine[],
  widest: readonly MountLine[],
  hosts: readonly FoundMount[],
): void {
  const { device, root } = line
  if (root === '/') return
  if (others.some((other) => other.device === device && other.root === '/')) return
  if (widest.some((other) => other.device === device && isWithin(root, other.root))) return
  throw refusal(line, hosts, reasonOf(line, hosts))
}

function reasonOf({ point, root }: MountLine, hosts: readonly FoundMount[]): string {
  if (root.endsWith('//deleted')) return 'its source has been deleted'
  const named = hosts.find(({ mount }) => mount.place === point)
  if (named === undefined) return 'no property of the config and nothing below its bind mounts is its source'
  return 'problem' in named.found ? `${named.mount.source}: ${named.found.problem}` : 'its source is another file now'
}

function refusal({ point }: MountLine, hosts: readonly FoundMount[], reason: string): RuntError {
  const from = hosts.find(({ mount }) => mount.place === point)?.mount.from ?? `mount at ${point}`
  return new RuntError('state', `${from}: cannot be restored: ${reason}`, { path: from })
}

interface Naming {
  readonly others: readonly MountLine[]
  readonly names: ReadonlyMap<string, string | undefined>
  readonly hosts: readonly FoundMount[]
  readonly linux: Linux
}

/**
 * CRIU does not distinguish mounts on one mount point: they all get the name of the topmost. That is correct as long as the others are
 * hidden.
 */
function nameAt(point: string, { others, names, hosts, linux }: Naming): string {
  const stack = others.filter((line) => line.point === point)
  const [first] = stack as [MountLine, ...MountLine[]]
  const tops = stack.filter(({ id }) => !stack.some(({ parent }) => parent === id))
  // If a mount matches two mounts of the stack, the read-only one is correct for both.
  const top = tops.find(({ isReadOnly }) => isReadOnly) ?? tops[0] ?? first
  const chosen = names.get(top.id) ?? maskOf(top, linux.maskedPaths)
  if (chosen === undefined) throw refusal(first, hosts, 'CRIU cannot tell it from what is mounted over it')
  const sourceOf = (name: string | undefined) => hosts.find(({ mount }) => mount.name === name)?.mount.source
  const isSame = ({ id }: MountLine) => names.get(id) !== undefined && sourceOf(names.get(id)) === sourceOf(chosen)
  const isBare = ({ id }: MountLine) => !others.some((line) => line.parent === id && line.point !== point)
  if (!stack.every((line) => line === top || isSame(line) || (isBare(line) && !tops.includes(line))))
    throw refusal(first, hosts, 'it is covered, and something is mounted in it')
  // CRIU would give the mask the propagation of the mount that it covers, which the kernel only allows for the same
  // file system.
  if (stack.some((line) => line.isPropagated && line.device !== top.device))
    throw refusal(first, hosts, 'it is covered, and receives mounts of the host (rprivate would do)')
  const isLocked = hasNamespace(linux, 'user')
  const isAlike = (line: MountLine) =>
    line.device === top.device || (chosen === MASK_NAME && line.options.includes('relatime'))
  if (isLocked && !stack.every(isAlike))
    throw refusal(first, hosts, 'what covers it has flags of its own, which a user namespace locks')
  const isFree = (line: MountLine) => line !== top && !line.isReadOnly
  return isLocked && stack.some(isFree) ? unlocked(chosen, top, { others, hosts }) : chosen
}

/**
 * In a user namespace a read-only source stays read-only (mount_namespaces(7)), also for the covered mount. The writable one can be used
 * if CRIU sets the flags itself, which it does not do if it treats the mount as a copy of another.
 */
function unlocked(name: string, top: MountLine, { others, hosts }: Pick<Naming, 'others' | 'hosts'>): string {
  const strict = hosts.find(({ mount }) => mount.name === name)?.mount
  if (strict === undefined || !strict.isReadOnly) return name
  const free = hosts.find(({ mount }) => mount.source === strict.source && !mount.isReadOnly)?.mount.name
  const isWider = (line: MountLine) => line.device === top.device && isWithin(top.root, line.root)
  if (free === undefined || others.some((line) => line.isReadOnly && line.point !== top.point && isWider(line)))
    throw refusal(top, hosts, 'CRIU cannot make it read-only again in a user namespace')
  return free
}

/**
 * A masked file is covered by the container's /dev/null, a masked directory by an empty file system (plan/paths.ts).
 */
function maskOf({ point, root, type, isFixed }: MountLine, maskedPaths: readonly string[]): string | undefined {
  if (!maskedPaths.includes(point)) return undefined
  if (root === '/null') return '/dev/null'
  return root === '/' && type === 'tmpfs' && isFixed ? MASK_NAME : undefined
}
