// What of a container CRIU does not save because it belongs to the host: bind mounts, namespaces that the container joined, and
// pipes to its caller. CRIU knows them by names; a checkpoint and its restore must give the same ones.

import type { CgroupHost } from '../cgroup/hierarchies.ts'
import type { Config, Mount, Namespace } from '../config/config.ts'
import { hierarchyName } from '../plan/cgroup-mount.ts'
import { devicePaths } from '../plan/devices.ts'
import { readMountOptions } from '../plan/mount-options.ts'

/** A bind mount, or a device node where those are bind mounts. */
export interface ExternalMount {
  /** Where in the container; with it as its name. */
  readonly destination: string
  /** Where it comes from on the host. */
  readonly source: string
}

/** Where the host has what the container's mounts were taken from. */
export interface ExternalSources {
  readonly bundle: string
  readonly host: CgroupHost
  /** The container's cgroups, by controller. */
  readonly cgroups: { readonly [controller: string]: string }
}

const isBind = ({ type, options }: Mount): boolean => type === 'bind' || readMountOptions(options).bind !== 'no'

/** What can be somebody else's file system in the container's mount namespace. A restore may name more than the checkpoint did. */
export function externalMounts(config: Config, sources: ExternalSources): ExternalMount[] {
  const { mounts, linux } = config
  const shown = mounts.flatMap((mount) => {
    const { destination, source = '', type } = mount
    if (type === 'cgroup' || type === 'cgroup2') return cgroupMounts(destination, sources)
    if (!isBind(mount)) return []
    return [{ destination, source: source.startsWith('/') ? source : `${sources.bundle}/${source}` }]
  })
  // In a user namespace device nodes are bind mounts of the host's, and what covers masked files is one of them.
  const devices = devicePaths(config).map((path) => ({ destination: path, source: path }))
  const masks = linux.maskedPaths.map((path) => ({ destination: path, source: '/dev/null' }))
  return [...shown, ...devices, ...masks]
}

/**
 * Those that a running container has, by its proc_pid_mountinfo(5): what CRIU finds no root for among the container's mounts,
 * and bind mounts, which may be the root of a file system that it could not make anew.
 */
export function presentMounts(config: Config, sources: ExternalSources, mountinfo: string): string[] {
  const lines = mountinfo.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ')
    return device === undefined || root === undefined || point === undefined ? [] : [{ device, root, point }]
  })
  const whole = new Set(lines.filter(({ root }) => root === '/').map(({ device }) => device))
  const binds = new Set(config.mounts.filter(isBind).map(({ destination }) => destination))
  const cgroups = config.mounts.flatMap(({ destination, type }) =>
    type === 'cgroup' ? cgroupMounts(destination, sources).map((mount) => mount.destination) : [],
  )
  return lines
    .filter(({ device, point }) => point !== '/' && (!whole.has(device) || binds.has(point) || cgroups.includes(point)))
    .map(({ point }) => point)
}

/** Directories of the host's cgroup file systems (plan/cgroup-mount.ts). In a cgroup namespace their mounts show the same. */
function cgroupMounts(at: string, { host, cgroups }: ExternalSources): ExternalMount[] {
  return host.hierarchies.flatMap((hierarchy) => {
    const source = cgroups[hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? '')]
    const destination = host.mode === 'v2' ? at : `${at}/${hierarchyName(hierarchy)}`
    return source === undefined ? [] : [{ destination, source }]
  })
}

/** CRIU's names of the namespaces that a container can share with its caller's network or pods. */
export const externalNames: { readonly [type: string]: { readonly ns: string; readonly key: string } } = {
  network: { ns: 'net', key: 'extRootNetNS' },
  pid: { ns: 'pid', key: 'extRootPidNS' },
}

/** Namespaces given by path that CRIU leaves alone, and that must be there when the container is restored. */
export const externalNamespaces = ({ linux }: Config): (Namespace & { readonly path: string })[] =>
  linux.namespaces.flatMap(({ type, path }) => (path !== undefined && type in externalNames ? [{ type, path }] : []))
