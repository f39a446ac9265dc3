// What the container finds in its root file system: the program, its working directory, startContainer hooks, and the
// targets of mounts. Every path there is hostile: host/open-path.ts resolves it. What a mount provides is not judged.

import type { Config } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import { quote } from '../config/rule.ts'
import { errnoPhrase } from '../errno.ts'
import { hostTable, isWithin, mountAt } from '../host/mount-table.ts'
import { findInRoot, type InRoot } from '../host/open-path.ts'
import type { FileStatus, Native } from '../native.ts'
import { executableCandidates } from '../plan/process.ts'
import type { HostCheck, HostContext } from './check.ts'

/** The names of each mount's place: in the config, and without links of the image; none for a remount. */
export function mountPoints(native: Native, rootfs: string, { mounts }: Config): readonly (readonly string[])[] {
  return mounts.map(({ destination, options }) => {
    if (options.includes('remount')) return []
    const found = findInRoot(native, rootfs, destination, () => false)
    return 'path' in found ? [destination, found.path] : [destination]
  })
}

/** Whether a path is at a mount of the config, before the one with index `end`. */
function coveredBy({ points }: HostContext, end = points.length): (path: string) => boolean {
  const before = new Set(points.slice(0, end).flat())
  return (path) => before.has('/') || before.has(path)
}

const inDirectory = (path: string, directory: string): string => (path.startsWith('/') ? path : `${directory}/${path}`)

export const checkProgram: HostCheck = (context) => {
  const { native, config, rootfs, report } = context
  const { process } = config
  if (process === undefined || rootfs === undefined || process.args.length === 0) return
  const covered = coveredBy(context)
  let worst = 'ENOENT'
  for (const candidate of executableCandidates(process)) {
    const found = findInRoot(native, rootfs, inDirectory(candidate, process.cwd), covered)
    const code = whyNotExecutable(found, config)
    if (code === undefined) {
      const why = found.kind === 'found' && whyHidden(native, rootfs, found.path, config)
      if (why) report('process.args[0]', `${quote(candidate)} cannot be executed: ${why}`)
      return
    }
    if (code !== 'ENOENT' && code !== 'ENOTDIR') worst = code
  }
  const program = process.args[0] as string
  const where = program.includes('/') ? 'in the root file system' : 'in PATH inside the root file system'
  const why = worst === 'ENOENT' ? `is not ${where}` : `${errnoPhrase(worst)} ${where}`
  report('process.args[0]', `${quote(program)} ${worst === 'ENOENT' ? why : `cannot be executed: ${why}`}`)
}

/** A file may be there and not be executed in the container. */
function whyHidden(native: Native, rootfs: string, path: string, { linux }: Config): string | undefined {
  // The container's mount of the root has the flags of the host's.
  if (mountAt(hostTable(native), `${rootfs}${path}`)?.options.includes('noexec'))
    return 'its file system is mounted noexec'
  const mask = linux.maskedPaths.findIndex((masked) => isWithin(path, masked))
  return mask < 0 ? undefined : `linux.maskedPaths[${mask}] hides it`
}

/** The errno of execve(2); undefined if it will work, or if that is not known. */
function whyNotExecutable(found: InRoot, config: Config): string | undefined {
  if (found.kind === 'covered') return undefined
  if (found.kind === 'failed') return found.code
  return found.status.kind === 'file' && mayExecute(found.status, config) ? undefined : 'EACCES'
}

function mayExecute({ mode, uid, gid }: FileStatus, config: Config): boolean {
  const user = config.process?.user
  // Root, and a user whose ids on the host are not known here, may execute what anybody may.
  if (user === undefined || user.uid === 0 || hasNamespace(config.linux, 'user')) return (mode & 0o111) !== 0
  if (config.process?.capabilities?.effective.some((name) => name.startsWith('CAP_DAC_'))) return (mode & 0o111) !== 0
  if (user.uid === uid) return (mode & 0o100) !== 0
  return [user.gid, ...user.additionalGids].includes(gid) ? (mode & 0o010) !== 0 : (mode & 0o001) !== 0
}

/** `run` creates a directory that is missing. */
export const checkCwd: HostCheck = (context) => {
  const { native, config, rootfs, report } = context
  if (rootfs === undefined || config.process === undefined) return
  const found = findInRoot(native, rootfs, config.process.cwd, coveredBy(context))
  if (found.kind === 'found' && found.status.kind !== 'directory')
    report('process.cwd', `${quote(config.process.cwd)} is not a directory in the root file system`)
}

export const checkContainerHooks: HostCheck = (context) => {
  const { native, config, rootfs, report } = context
  if (rootfs === undefined) return
  const covered = coveredBy(context)
  for (const [i, { path }] of config.hooks.startContainer.entries()) {
    const code = whyNotExecutable(findInRoot(native, rootfs, path, covered), config)
    if (code !== undefined)
      report(`hooks.startContainer[${i}].path`, `${quote(path)} in the root file system: ${errnoPhrase(code)}`)
  }
}

const kinds: Readonly<Record<string, FileStatus['kind']>> = { c: 'char', u: 'char', b: 'block', p: 'fifo' }

/** Something else at the path of a device. In a user namespace it would be mounted on. */
export const checkDevicePaths: HostCheck = (context) => {
  const { native, config, facts, rootfs, report } = context
  if (rootfs === undefined || hasNamespace(config.linux, 'user') || facts.inUserNamespace) return
  const covered = coveredBy(context)
  for (const [i, { path, type }] of config.linux.devices.entries()) {
    const found = findInRoot(native, rootfs, path, covered)
    if (found.kind === 'found' && found.status.kind !== kinds[type])
      report(`linux.devices[${i}].path`, `there is something else at ${quote(path)} in the root file system`)
  }
}

/** What is at the target of a mount; undefined if an earlier mount or `run` itself decides that. */
export function targetOf(context: HostContext, index: number): FileStatus | undefined {
  const { native, config, rootfs = '' } = context
  const found = findInRoot(native, rootfs, config.mounts[index]?.destination ?? '', coveredBy(context, index))
  return found.kind === 'found' ? found.status : undefined
}
