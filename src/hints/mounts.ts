// Why a mount fails: what is covered on the host, missing sources, file systems the kernel does not have (mount(2), fsopen(2)).

import type { Mount } from '../config/config.ts'
import { attempt } from '../errors.ts'
import { isWithin, mountAt } from '../host/mount-table.ts'
import { suggestOption } from '../plan/known-options.ts'
import { suggest } from '../suggest.ts'
import { firstMissing, isInUserNamespace, mountsOf, textOf } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'
import { hostId } from './search-path.ts'

/** The entry of `mounts` that the step is about. */
function mountOf({ step, config }: Failure): Mount | undefined {
  const index = /^mounts\[(\d+)\]/.exec(step.from)?.[1]
  return index === undefined ? undefined : config?.mounts[Number(index)]
}

/** A new procfs, sysfs or mqueue in a user namespace needs the namespace that it shows, and a host's that is not covered. */
const foreign =
  (type: 'pid' | 'network' | 'ipc', point?: string): Hint =>
  (failure) => {
    if (!isInUserNamespace(failure)) return undefined
    const own = failure.config?.linux.namespaces.some(
      (namespace) => namespace.type === type && namespace.path === undefined,
    )
    if (own !== true) return `in a user namespace it needs a new ${type} namespace, too`
    return point === undefined ? undefined : covered(failure, point)
  }

/** Directories of procfs and sysfs that are always empty: a mount there covers nothing (fs/namespace.c, mnt_already_visible). */
const ALWAYS_EMPTY =
  /^\/proc\/(sys\/fs\/binfmt_misc|fs\/nfsd|openprom|xen)$|^\/sys\/(fs\/(?!selinux)|kernel\/(security|debug|tracing|config)|firmware\/efi\/efivars|hypervisor)/

function covered({ native }: Failure, point: string): string | undefined {
  const parts = mountsOf(native)
    .map((mount) => mount.point)
    .filter((path) => path !== point && isWithin(path, point) && !ALWAYS_EMPTY.test(path))
  if (parts.length === 0) return undefined
  const shown = parts.slice(0, 3).join(', ') + (parts.length > 3 ? ', …' : '')
  return `parts of the host's ${point} are covered (${shown}), so the kernel allows no new one here: uncover them, or bind ${point}`
}

const fileSystem: Hint = (failure) => {
  const { native, step } = failure
  const fstype = step.op === 'fsopen' ? step.fstype : undefined
  const mount = mountOf(failure)
  if (fstype === undefined) return undefined
  if ((mount?.type === undefined || mount.type === 'none') && fstype === 'none') return bindMeant(failure, mount)
  const known = textOf(native, '/proc/filesystems')
    ?.split('\n')
    .map((line) => line.trim().split(/\s+/).at(-1) ?? '')
  if (known === undefined || known.includes(fstype)) return undefined
  const similar = suggest(fstype, known)
  return similar === undefined
    ? `the kernel has no file system ${JSON.stringify(fstype)} (/proc/filesystems): load its module, or correct the type`
    : `the kernel has no file system ${JSON.stringify(fstype)} (/proc/filesystems): the most similar is ${similar}`
}

function bindMeant({ native }: Failure, mount: Mount | undefined): string | undefined {
  const source = mount?.source
  const status = source?.startsWith('/') ? attempt(() => native.status(source)) : undefined
  const rule = 'no type and no "bind" option'
  if (status?.kind !== 'directory' && status?.kind !== 'file') return `${rule}: give the type of the file system`
  return `${rule}; the source is a ${status.kind}: mount it with "type": "bind", "options": ["rbind"]`
}

const missingSource: Hint = (failure) => {
  const { step } = failure
  const path = step.op === 'open_tree' ? step.path : undefined
  const missing = path === undefined ? undefined : firstMissing(failure.native, path)
  return missing && `${missing} does not exist on the host: create it, or correct the source`
}

/** overlayfs: paths in the value of an option, or in the options of mount(2). */
const missingLayer: Hint = ({ native, step }) => {
  const text =
    step.op === 'fsconfig' ? step.value : step.op === 'mount' ? `${step.source ?? ''}:${step.data ?? ''}` : undefined
  const paths = (text ?? '').split(/[,:=]/).filter((part) => part.startsWith('/'))
  const missing = paths.map((path) => firstMissing(native, path)).find((path) => path !== undefined)
  return missing && `${missing} does not exist on the host: create it, or correct the option`
}

/** File systems without FS_ALLOW_IDMAP that are common as sources. */
const withoutIdMaps = ['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'devtmpfs', 'mqueue', 'nfs', 'nfs4', 'cifs']

const idMapped: Hint = (failure) => {
  const source = mountOf(failure)?.source
  const path = source?.startsWith('/') ? attempt(() => failure.native.realpath(source)) : undefined
  const mount = path === undefined ? undefined : mountAt(mountsOf(failure.native), path)
  if (mount === undefined) return undefined
  if (mount.options.includes('idmapped')) return 'the mount of the source is id-mapped already'
  return withoutIdMaps.includes(mount.type)
    ? `the file system of the source is ${mount.type}, which does not support id-mapped mounts: use one that does (ext4, xfs, btrfs, tmpfs)`
    : undefined
}

const ramdisk: Hint = ({ native }) =>
  mountsOf(native).findLast(({ point }) => point === '/')?.type === 'rootfs'
    ? 'the root file system of the host is a ramdisk (rootfs): use --no-pivot'
    : undefined

const chrooted: Hint = ({ native }) => {
  const mounts = mountsOf(native)
  if (mounts.length === 0 || mounts.some(({ point }) => point === '/')) return undefined
  return 'the root directory is no mount point, as in a chroot of a plain directory: bind it to itself before chroot(8)'
}

const locked: Hint = (failure) =>
  isInUserNamespace(failure) || attempt(() => failure.native.probe().inUserNamespace)
    ? 'in a user namespace, what the source’s mount forbids and its access times are locked (mount_namespaces(7))'
    : undefined

const layers: Hint = ({ native }) => {
  const [major = 0, minor = 0] = attempt(() => native.probe().kernel.split('.').map(Number)) ?? []
  return major > 0 && (major < 6 || (major === 6 && minor < 7))
    ? `more than a page of layers needs Linux 6.7, this is ${major}.${minor}`
    : undefined
}

/** An id in an option that the user namespace does not map, as `gid=5`. */
function unmappedOption(failure: Failure, option: string): string | undefined {
  const [, key, id] = /^(uid|gid)=(\d+)$/.exec(option) ?? []
  if (key === undefined || !isInUserNamespace(failure)) return undefined
  const property = key === 'uid' ? 'uidMappings' : 'gidMappings'
  const mappings = failure.config?.linux[property] ?? []
  if (mappings.length === 0 || hostId(mappings, Number(id)) !== undefined) return undefined
  return `${key} ${id} is not in linux.${property}: map it, or remove the option ${option}`
}

/** Older kernels check the options of some file systems only when it is made: then the step has no key. */
const option: Hint = (failure) => {
  const { step, detail } = failure
  if (step.op !== 'fsconfig') return undefined
  const { key, value } = step
  const mount = mountOf(failure)
  const given = key === undefined ? (mount?.options ?? []) : [`${key}=${value}`]
  const unmapped = given.map((text) => unmappedOption(failure, text)).find((text) => text !== undefined)
  if (unmapped !== undefined || key === undefined || !detail.includes('Unknown parameter')) return unmapped
  const type = mount?.type ?? ''
  const similar = suggestOption(key, type)
  return `${type} has no option ${key}: ${similar === undefined ? 'remove it' : `the most similar is ${similar}`}`
}

export const mountTypeHints: Hints = {
  'proc EPERM': foreign('pid', '/proc'),
  'sysfs EPERM': foreign('network', '/sys'),
  'mqueue EPERM': foreign('ipc'),
}

export const mountHints: Hints = {
  'open_tree ENOENT': missingSource,
  'move_mount ENOTDIR': 'a directory can only be mounted on a directory, a file only on a file',
  'pivot_root EINVAL': ramdisk,
  'cut EINVAL': chrooted,
  'idmap EINVAL': idMapped,
  'idmap EPERM': 'id-mapped mounts need the privileges of root over the file system of the source',
  'layer EINVAL': layers,
  'fsconfig EINVAL': option,
  'fsconfig ENOENT': missingLayer,
  'mount ENOENT': missingLayer,
  'copy_up ENOSPC': 'what is below the mount does not fit into the tmpfs: raise its option size=',
  'mount_setattr EPERM': locked,
  'fsopen ENODEV': fileSystem,
}
