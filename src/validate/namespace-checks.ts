// New namespaces: the limits and privileges for them, id mappings of an unprivileged user, and whether the container's
// root can reach its root file system.

import type { Config, IdMapping } from '../config/config.ts'
import { hasNamespace } from '../config/has-namespace.ts'
import type { FileStatus, Native } from '../native.ts'
import { isUnprivileged } from '../plan/host-facts.ts'
import { kernelNames } from '../state/namespace-links.ts'
import { readSetting } from '../state/read-setting.ts'
import { type HostCheck, makesUserNamespace, mayMount } from './check.ts'

export const checkNewNamespaces: HostCheck = (context) => {
  const { native, config, report } = context
  const { namespaces } = config.linux
  const hasUser = hasNamespace(config.linux, 'user')
  for (const [i, { type, path }] of namespaces.entries()) {
    if (path !== undefined) continue
    const limit = `user.max_${kernelNames[type]}_namespaces`
    if (readSetting(native, `/proc/sys/${limit.replaceAll('.', '/')}`) === '0')
      report(`linux.namespaces[${i}].type`, `a new one is not allowed here: ${limit} is 0`)
    else if (!hasUser && !mayMount(context))
      report(`linux.namespaces[${i}].type`, 'a new one needs CAP_SYS_ADMIN, or a user namespace')
  }
  const forbidden = readSetting(native, '/proc/sys/kernel/unprivileged_userns_clone') === '0'
  if (forbidden && hasUser && !mayMount(context))
    report('linux.namespaces', 'kernel.unprivileged_userns_clone is 0: users may not make user namespaces')
}

/** newuidmap(1) and newgidmap(1) map what /etc/subuid and /etc/subgid give the user, besides the own id. */
export const checkSubordinateIds: HostCheck = (context) => {
  const { native, facts, planned, config, report } = context
  if (planned === undefined || isOfNss(native)) return
  for (const step of planned.plan.runtimeSteps) {
    if (step.op !== 'map_ids') continue
    const kind = step.program === 'newuidmap' ? 'uid' : 'gid'
    const own = kind === 'uid' ? facts.euid : facts.egid
    const given = subordinates(native, `/etc/sub${kind}`, facts.euid)
    for (const [i, { hostID, size }] of config.linux[`${kind}Mappings`].entries()) {
      if ((hostID === own && size === 1) || given.some(({ from, to }) => hostID >= from && hostID + size <= to))
        continue
      const what = `${size} ids from ${hostID}`
      report(`linux.${kind}Mappings[${i}]`, `/etc/sub${kind} does not give uid ${facts.euid} the ${what}`)
    }
  }
}

const isOfNss = (native: Native): boolean => /^subid:/m.test(readSetting(native, '/etc/nsswitch.conf') ?? '')

/** subuid(5): the user by name or by number. */
function subordinates(native: Native, file: string, uid: number): { from: number; to: number }[] {
  const passwd = readSetting(native, '/etc/passwd')?.split('\n') ?? []
  const names = passwd.map((line) => line.split(':')).filter((fields) => fields[2] === `${uid}`)
  const known = new Set([`${uid}`, ...names.map(([name]) => name)])
  return (readSetting(native, file) ?? '')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name]) => known.has(name))
    .map(([, from, count]) => ({ from: Number(from), to: Number(from) + Number(count) }))
}

/** Root of a new user namespace is another user on the host, and must be able to search the way to its root. */
export const checkRootReachable: HostCheck = (context) => {
  const { native, config, rootfs, facts, report } = context
  const { uidMappings, gidMappings } = config.linux
  if (rootfs === undefined || !makesUserNamespace(config) || isUnprivileged(facts)) return
  const [uid, gid] = [hostId(uidMappings, 0), hostId(gidMappings, 0)]
  if (uid === undefined || gid === undefined) return
  const parts = rootfs.split('/').filter((part) => part !== '')
  for (let i = 0; i <= parts.length; i++) {
    const directory = `/${parts.slice(0, i).join('/')}`
    const status = native.status(directory)
    if (status === undefined || maySearch(config, status, uid, gid) || hasAcl(native, directory)) continue
    const owner = `mode ${(status.mode & 0o7777).toString(8)}, owner ${status.uid}:${status.gid}`
    report('root.path', `uid ${uid}, the container's root, cannot search ${directory} (${owner})`)
    return
  }
}

function hostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const mapping = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return mapping && mapping.hostID + id - mapping.containerID
}

const isMapped = (mappings: readonly IdMapping[], id: number): boolean =>
  mappings.some(({ hostID, size }) => id >= hostID && id < hostID + size)

/** Root of the namespace has its capabilities over files whose owner and group are mapped (user_namespaces(7)). */
function maySearch({ linux }: Config, { mode, uid, gid }: FileStatus, root: number, group: number): boolean {
  if (isMapped(linux.uidMappings, uid) && isMapped(linux.gidMappings, gid)) return true
  if (uid === root) return (mode & 0o100) !== 0
  return gid === group ? (mode & 0o010) !== 0 : (mode & 0o001) !== 0
}

const hasAcl = (native: Native, path: string): boolean =>
  native.attribute(path, 'system.posix_acl_access') !== undefined
