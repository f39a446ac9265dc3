// mounts: sources and options of bind mounts, and targets of the wrong kind. file-system-checks.ts has the other types.

import type { Mount } from '../config/config.ts'
import { shortest } from '../config/normalise.ts'
import { quote } from '../config/rule.ts'
import { errnoPhrase } from '../errno.ts'
import { withPath } from '../host/open-path.ts'
import type { Native } from '../native.ts'
import { sourcePath } from '../plan/mount-links.ts'
import { isSuperblockFlag, knownMountOptions, readMountOptions } from '../plan/mount-options.ts'
import { O_NOFOLLOW, RESOLVE_NO_MAGICLINKS } from '../steps/constants.ts'
import { suggest } from '../suggest.ts'
import { type ConfigCheck, type HostCheck, type HostContext, makesUserNamespace } from './check.ts'
import { targetOf } from './root-checks.ts'

export const isBind = ({ type, options }: Mount): boolean =>
  (type === 'bind' || options.includes('bind') || options.includes('rbind')) && !options.includes('remount')

/** A bind mount has no options of a file system. */
export const checkBindOptions: ConfigCheck = ({ config: { mounts }, warn }) => {
  for (const [i, mount] of mounts.entries()) {
    if (!isBind(mount)) continue
    for (const { text, index = 0 } of readMountOptions(mount.options).data) {
      if (isSuperblockFlag(text)) continue
      const meant = suggest(text, knownMountOptions())
      warn(`mounts[${i}].options[${index}]`, `${quote(text)} is ignored for a bind mount`, meant)
    }
  }
}

export const checkBindSources: HostCheck = (context) => {
  const { native, config, bundle, report } = context
  for (const [i, mount] of config.mounts.entries()) {
    if (!isBind(mount) || !mount.source || (bundle === undefined && !mount.source.startsWith('/'))) continue
    const path = sourcePath(mount, bundle ?? '/')
    if (isInside(context, path, i) || isCopiedLink(native, mount, path)) continue
    const flags = mount.options.includes('src-nofollow') ? O_NOFOLLOW : 0
    const opened = withPath(native, { path, flags, resolve: RESOLVE_NO_MAGICLINKS }, (fd) => native.exists(`${fd}/.`))
    if ('code' in opened) report(`mounts[${i}].source`, `${quote(path)}: ${errnoPhrase(opened.code)}`)
    else checkKinds(context, i, flags === 0 ? opened.value : false)
  }
}

/** A source below an earlier mount of the config: it does not exist yet. */
function isInside({ config, rootfs }: HostContext, source: string, index: number): boolean {
  if (rootfs === undefined) return false
  const path = shortest(source)
  return config.mounts.slice(0, index).some(({ destination }) => {
    const point = destination === '/' ? rootfs : `${rootfs}${destination}`
    return path === point || path.startsWith(`${point}/`)
  })
}

const isCopiedLink = (native: Native, { options }: Mount, path: string): boolean =>
  options.includes('copy-symlink') && native.readLink(path) !== undefined

/** A directory can only be mounted on a directory, a file only on a file. */
function checkKinds(context: HostContext, index: number, isDirectory: boolean): void {
  const { config, rootfs, report } = context
  const mount = config.mounts[index] as Mount
  if (rootfs === undefined || mount.options.includes('dest-nofollow')) return
  const target = targetOf(context, index)
  if (target === undefined || (target.kind === 'directory') === isDirectory) return
  const [source, there] = isDirectory ? ['directory', 'file'] : ['file', 'directory']
  report(`mounts[${index}].destination`, `${quote(mount.destination)} is a ${there}, and the source a ${source}`)
}

/** A file system can only be mounted on a directory. */
export const checkTargets: HostCheck = (context) => {
  const { config, rootfs, report } = context
  if (rootfs === undefined) return
  for (const [i, mount] of config.mounts.entries()) {
    if (isBind(mount) || mount.options.includes('remount')) continue
    const target = targetOf(context, i)
    if (target !== undefined && target.kind !== 'directory')
      report(`mounts[${i}].destination`, `${quote(mount.destination)} is not a directory in the root file system`)
  }
}

/** File systems that show a namespace, and its type in the specification. */
const ofNamespace = { proc: 'pid', sysfs: 'network', mqueue: 'ipc' } as const

/** A user namespace has no privileges over the other namespaces of the host. */
export const checkNamespaceMounts: ConfigCheck = ({ config, report }) => {
  if (!makesUserNamespace(config)) return
  for (const [i, { type }] of config.mounts.entries()) {
    const wanted = type === 'proc' || type === 'sysfs' || type === 'mqueue' ? ofNamespace[type] : undefined
    if (wanted === undefined || config.linux.namespaces.some((namespace) => namespace.type === wanted)) continue
    report(`mounts[${i}].type`, `${type} in a user namespace needs a new ${wanted} namespace, too`)
  }
}
