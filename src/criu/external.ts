// Resources of a container that CRIU does not save because they belong to the host: bind mounts, namespaces that the
// container joined, and pipes to its caller. CRIU identifies them by names; a checkpoint and its restore must use the
// same ones.

import type { CgroupHost } from '../cgroup/hierarchies.ts'
import type { Config, Mount, Namespace } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import { isWithin, type MountLine } from '../host/mount-table.ts'
import { hierarchyName } from '../plan/cgroup-mount.ts'
import { devicePaths } from '../plan/devices.ts'
import { type Attributes, changedAttributes, exactAttributes, joinFlags, noAttributes } from '../plan/mount-flags.ts'
import { sourceLink, sourcePath } from '../plan/mount-links.ts'
import { type MountOptions, readMountOptions } from '../plan/mount-options.ts'
import { MOUNT_ATTR_RDONLY } from '../steps/constants.ts'

/** A bind mount, or a device node if device nodes are bind mounts. */
export interface ExternalMount {
  /** The property, for messages. */
  readonly from: string
  /** On the host. */
  readonly source: string
  /** AT_SYMLINK_NOFOLLOW, or 0. */
  readonly link: number
  readonly attributes: readonly Attributes[]
  /** CRIU's name for it: its mount point, as in runc, or another for the read-only form. */
  readonly name: string
  /** Its mount point, as in the config. */
  readonly place: string
  /** The mounts below its source are cloned with it, with these attributes; undefined if they are not. */
  readonly below: readonly Attributes[] | undefined
  readonly isReadOnly: boolean
  /** Its mount point may be a link, which CRIU would follow. */
  readonly isOnLink: boolean
}

/** The sources of the container's mounts on the host. */
export interface ExternalSources {
  readonly bundle: string
  readonly host: CgroupHost
  /** The container's cgroups, by controller. */
  readonly cgroups: { readonly [controller: string]: string }
}

/** The name of the empty file system over masked directories, if CRIU cannot distinguish it from the mount below. */
export const MASK_NAME = 'linux.maskedPaths'

/**
 * Mounts in the container's mount namespace whose file system may belong to others. A restore may name more than the
 * checkpoint did.
 */
export function externalMounts(config: Config, sources: ExternalSources): ExternalMount[] {
  const isOwn = hasNamespace(config.linux, 'user')
  // In a user namespace device nodes are bind mounts of the host's; masked files are covered by that of /dev/null.
  const devices = devicePaths(config).map((path) => external(path, path, `device ${path}`))
  const mounts = config.mounts.flatMap((mount, index) => {
    const { destination, type, source } = mount
    const options = readMountOptions(mount.options)
    if (options.remount) return []
    if (options.bind !== 'no' || type === 'bind')
      return [bindMount(mount, `mounts[${index}] (${source ?? ''} at ${destination})`, sources.bundle, isOwn)]
    const from = `mounts[${index}] (${type} at ${destination})`
    return type === 'cgroup' || type === 'cgroup2' ? cgroupMounts(destination, from, options, sources) : []
  })
  // If several mounts have the same name, only the last is visible.
  return [...new Map([...devices, ...mounts].map((mount) => [mount.name, mount])).values()]
}

function bindMount(mount: Mount, from: string, bundle: string, isOwn: boolean): ExternalMount {
  const options = readMountOptions(mount.options)
  const own = options.hasFlags ? exactAttributes(options.flags, isOwn) : noAttributes
  const below = [changedAttributes(options.recursiveFlags)]
  return {
    ...external(mount.destination, sourcePath(mount, bundle), from, [own, ...below]),
    link: sourceLink(options),
    isOnLink: options.links.includes('dest-nofollow'),
    below: options.bind === 'rbind' ? below : undefined,
  }
}

const external = (
  place: string,
  source: string,
  from: string,
  attributes: readonly Attributes[] = [],
): ExternalMount => ({
  name: place,
  place,
  source,
  from,
  link: 0,
  attributes,
  below: undefined,
  isOnLink: false,
  isReadOnly: attributes.reduce((is, { set, clear }) => ((is & ~clear) | set) & MOUNT_ATTR_RDONLY, 0) !== 0,
})

/**
 * Directories of the host's cgroup file systems (plan/cgroup-mount.ts). With a cgroup namespace their mounts show the
 * same.
 */
function cgroupMounts(
  at: string,
  from: string,
  { flags, recursiveFlags }: MountOptions,
  { host, cgroups }: ExternalSources,
): ExternalMount[] {
  const attributes = [changedAttributes(joinFlags(flags, recursiveFlags))]
  return host.hierarchies.flatMap((hierarchy) => {
    const source = cgroups[hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? '')]
    const place = host.mode === 'v2' ? at : `${at}/${hierarchyName(hierarchy)}`
    return source === undefined ? [] : [external(place, source, from, attributes)]
  })
}

/**
 * All mounts that may be named, including those below the sources of recursive binds, which the container has clones of, and each one's
 * form below readonlyPaths. `table` is the host's; `realPath` returns that of a source, if it is known.
 */
export function allMounts(
  mounts: readonly ExternalMount[],
  table: readonly MountLine[],
  realPath: (mount: ExternalMount) => string | undefined,
): ExternalMount[] {
  const all = mounts.flatMap((mount) => {
    const { place, from, below } = mount
    const source = below && realPath(mount)
    if (source === undefined || source === '') return [mount]
    const points = new Set(
      table.map(({ point }) => point).filter((point) => point !== source && isWithin(point, source)),
    )
    const [at, skipped] = [place === '/' ? '' : place, source === '/' ? 0 : source.length]
    const copies = [...points].map((point) => external(at + point.slice(skipped), point, from, below))
    return [mount, ...copies]
  })
  return [...all, ...all.filter(({ isReadOnly }) => !isReadOnly).map(readOnly)]
}

const readOnly = (mount: ExternalMount): ExternalMount => ({
  ...mount,
  name: `${mount.name} (read-only)`,
  attributes: [...mount.attributes, { set: MOUNT_ATTR_RDONLY, clear: 0 }],
  isReadOnly: true,
})

/** CRIU's names of namespaces that a container can share with its caller's network or pods. */
export const externalNames: { readonly [type: string]: { readonly ns: string; readonly key: string } } = {
  network: { ns: 'net', key: 'extRootNetNS' },
  pid: { ns: 'pid', key: 'extRootPidNS' },
}

/** Namespaces given by path, which CRIU does not save and which must exist when the container is restored. */
export const externalNamespaces = ({ linux }: Config): (Namespace & { readonly path: string })[] =>
  linux.namespaces.flatMap(({ type, path }) => (path !== undefined && type in externalNames ? [{ type, path }] : []))
