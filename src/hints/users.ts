// Why namespaces cannot be made or joined, and ids cannot be mapped (user_namespaces(7), subuid(5)).

import type { IdMapping, NamespaceType } from '../config/config.ts'
import { attempt } from '../errors.ts'
import { isLacking, ownLimits } from '../host/own-process.ts'
import type { Native } from '../native.ts'
import { namespaceFlags } from '../plan/namespaces.ts'
import { kernelNames } from '../state/namespace-links.ts'
import { isInUserNamespace, mountsOf, namesIn, textOf } from './facts.ts'
import type { Failure, Hint, Hints } from './failure.ts'
import { hostId } from './search-path.ts'

/** The types of the namespaces that the step makes. */
function typesOf({ step }: Failure): NamespaceType[] {
  const flags = step.op === 'make_userns' ? BigInt(namespaceFlags.user) : 'flags' in step ? BigInt(step.flags ?? 0) : 0n
  const all = Object.keys(namespaceFlags) as NamespaceType[]
  return all.filter((type) => (flags & BigInt(namespaceFlags[type])) !== 0n)
}

/** Switches by which hosts forbid user namespaces to users: the value that forbids. */
const switches: readonly (readonly [string, string])[] = [
  ['kernel.unprivileged_userns_clone', '0'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1'],
]
const sysctlOf = (native: Native, sysctl: string): string | undefined =>
  textOf(native, `/proc/sys/${sysctl.replaceAll('.', '/')}`)

const forbidden: Hint = (failure) => {
  const { native } = failure
  const isUser = isInUserNamespace(failure)
  if (!isUser && isLacking(native, 'CAP_SYS_ADMIN'))
    return 'making namespaces needs CAP_SYS_ADMIN, or a user namespace: run as root, or add one to linux.namespaces ("runt spec --rootless" does)'
  if (!isUser || isLacking(native, 'CAP_SYS_ADMIN') !== true) return undefined
  const found = switches.find(([sysctl, value]) => sysctlOf(native, sysctl) === value)
  return found && `${found[0]} is ${found[1]}, which forbids user namespaces to users: change it with sysctl(8)`
}

const exhausted: Hint = (failure) => {
  const names = typesOf(failure).map((type) => `user.max_${kernelNames[type]}_namespaces`)
  const zero = names.find((sysctl) => sysctlOf(failure.native, sysctl) === '0')
  if (zero !== undefined) return `${zero} is 0: raise it with sysctl(8)`
  return 'a limit in /proc/sys/user/max_*_namespaces is reached, here or in a user namespace above, or 32 are nested: raise it with sysctl(8)'
}

const unknown: Hint = (failure) => {
  const present = namesIn(failure.native, '/proc/self/ns')
  const missing = present.length === 0 ? [] : typesOf(failure).filter((type) => !present.includes(kernelNames[type]))
  return missing.length === 0
    ? undefined
    : `the kernel has no ${missing.join(', ')} namespaces: remove them from linux.namespaces`
}

/** pids.events counts how often the limit of the container's cgroup was reached; RLIMIT_NPROC holds without CAP_SYS_RESOURCE. */
const tooMany: Hint = ({ native, cgroups }) => {
  const pids = cgroups?.pids ?? cgroups?.['']
  const events = pids === undefined ? undefined : textOf(native, `${pids}/pids.events`)
  const most = pids === undefined ? undefined : textOf(native, `${pids}/pids.max`)
  if (/^max [1-9]/m.test(events ?? '') && most !== undefined)
    return `linux.resources.pids.limit is ${most}: init needs one process beside the container's`
  const own = ownLimits(native).get('RLIMIT_NPROC')
  if (own === undefined || own.soft === 'unlimited' || isLacking(native, 'CAP_SYS_RESOURCE') !== true) return undefined
  return `RLIMIT_NPROC of the runtime is ${own.soft}: see ulimit -u`
}

const fileSize: Hint = ({ native }) => {
  const own = ownLimits(native).get('RLIMIT_FSIZE')
  return own === undefined || own.soft === 'unlimited'
    ? undefined
    : `RLIMIT_FSIZE of the runtime is ${own.soft} bytes: see ulimit -f`
}

/** The type of the namespace in a file: a link of /proc/PID/ns, or a bind mount of one (nsfs). */
function typeOfNamespace(native: Native, path: string): string | undefined {
  const text = attempt(() => native.readLink(path)) ?? mountsOf(native).findLast(({ point }) => point === path)?.root
  return /^(\w+):\[\d+\]$/.exec(text ?? '')?.[1]
}

const joined: Hint = ({ native, step, config }) => {
  const index = /^linux\.namespaces\[(\d+)\]/.exec(step.from)?.[1]
  const wanted = index === undefined ? undefined : config?.linux.namespaces[Number(index)]
  const found = wanted?.path === undefined ? undefined : typeOfNamespace(native, wanted.path)
  if (wanted === undefined || found === undefined || found.startsWith(kernelNames[wanted.type])) return undefined
  const type = (Object.keys(kernelNames) as NamespaceType[]).find((name) => kernelNames[name] === found) ?? found
  return `it is a ${type} namespace, not a ${wanted.type} namespace: correct the path`
}

const missingNamespace: Hint = ({ native, step, config }) => {
  const index = /^linux\.namespaces\[(\d+)\]/.exec(step.from)?.[1]
  const path = index === undefined ? undefined : config?.linux.namespaces[Number(index)]?.path
  if (path === undefined || native.exists(path)) return undefined
  return `there is no such namespace: make it first (ip netns add, or a process that has it), or remove "path" for a new one`
}

/** The lines of /etc/subuid or /etc/subgid for the caller, as [first, count]. */
function grantsOf(native: Native, file: string): readonly (readonly [number, number])[] | undefined {
  const text = textOf(native, file)
  if (text === undefined) return undefined
  const uid = String(native.euid())
  const name = textOf(native, '/etc/passwd')
    ?.split('\n')
    .map((line) => line.split(':'))
    .find(([, , id]) => id === uid)?.[0]
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([who]) => who === uid || (who !== '' && who === name))
    .map(([, first, count]) => [Number(first), Number(count)])
}

const isGranted = ({ hostID, size }: IdMapping, grants: readonly (readonly [number, number])[], own: number): boolean =>
  (size === 1 && hostID === own) || grants.some(([first, count]) => hostID >= first && hostID + size <= first + count)

/** newuidmap(1) and newgidmap(1) have refused. */
const notGranted: Hint = ({ native, step, config }) => {
  if (step.op !== 'map_ids') return undefined
  const property = step.program === 'newuidmap' ? 'uidMappings' : 'gidMappings'
  const file = step.program === 'newuidmap' ? '/etc/subuid' : '/etc/subgid'
  const grants = grantsOf(native, file)
  const own = attempt(() => (property === 'uidMappings' ? native.euid() : native.probe().egid))
  if (grants === undefined || own === undefined) return undefined
  const mappings = config?.linux[property] ?? []
  const index = mappings.findIndex((mapping) => !isGranted(mapping, grants, own))
  const mapping = mappings[index]
  if (mapping === undefined) return undefined
  const what = `linux.${property}[${index}] (${mapping.containerID} → ${mapping.hostID}, ${mapping.size} ids)`
  return `${what}: ${file} gives uid ${native.euid()} no such range: add one with usermod(8), or map what it gives`
}

const unmapped =
  (key: 'uid' | 'gid'): Hint =>
  ({ config }) => {
    const mappings = config?.linux[key === 'uid' ? 'uidMappings' : 'gidMappings'] ?? []
    const id = config?.process?.user[key]
    if (id === undefined || mappings.length === 0 || hostId(mappings, id) !== undefined) return undefined
    return `the id is not mapped in the user namespace: process.user.${key} is ${id}; add it to linux.${key}Mappings`
  }

/** Of a new user namespace by the plan, of a running container's by /proc/PID/setgroups. */
const deniesGroups = ({ native, plan, root }: Failure): boolean =>
  plan.runtimeSteps.some((step) => step?.op === 'write_child' && step.file === 'setgroups') ||
  (root?.mounts === 'there' && textOf(native, root.path.replace(/root$/, 'setgroups')) === 'deny')

const groups: Hint = (failure) =>
  deniesGroups(failure)
    ? 'groups cannot be set in a user namespace whose gid_map was written with setgroups denied: map more gids (/etc/subgid), or remove process.user.additionalGids'
    : undefined

export const userHints: Hints = {
  'clone EINVAL': unknown,
  'unshare EINVAL': unknown,
  'clone EPERM': forbidden,
  'unshare EPERM': forbidden,
  'clone ENOSPC': exhausted,
  'clone EUSERS': exhausted,
  'unshare ENOSPC': exhausted,
  'unshare EUSERS': exhausted,
  'make_userns ENOSPC': exhausted,
  'make_userns EPERM': 'mappings for a mount need the privileges of root on the host',
  'clone EFBIG': fileSize,
  'clone EAGAIN': tooMany,
  'fork EAGAIN': tooMany,
  'setns EINVAL': joined,
  'linux.namespaces ENOENT': missingNamespace,
  'map_ids ENOENT': 'newuidmap and newgidmap are needed to map ranges of ids (package uidmap)',
  'map_ids ECHILD': notGranted,
  'setgroups EPERM': groups,
  'setresuid EINVAL': unmapped('uid'),
  'setresgid EINVAL': unmapped('gid'),
}
