// Namespaces (config-linux.md "Namespaces", "User namespace mappings", "Offset for Time Namespaces"): which ones
// clone3(2) creates, which ones init joins or creates, and in which order. order.ts decides the order of the sections.

import type { Config, Linux, Namespace, NamespaceType } from '../config/config.ts'
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  EPERM,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  PR_SET_DUMPABLE,
  PROC_SUPER_MAGIC,
} from '../steps/constants.ts'
import { type Step, SYNC_MAPPED, SYNC_USERNS } from '../steps/launch-plan.ts'
import type { NamespacePlan, PlanContext, SectionSteps } from './context.ts'
import type { HostFacts } from './host-facts.ts'

/** clone3(2)'s flag of each type; `features` lists the keys. */
export const namespaceFlags: Readonly<Record<NamespaceType, number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mount: CLONE_NEWNS,
  network: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
}

/** The mount namespace is joined last, because it changes what paths mean. */
const joinOrder: readonly NamespaceType[] = ['cgroup', 'ipc', 'network', 'uts', 'time', 'pid', 'mount']

/** The property that requests a namespace. */
export const where = (namespaces: readonly Namespace[], type: NamespaceType): string => {
  const index = namespaces.findIndex((namespace) => namespace.type === type)
  const path = namespaces[index]?.path
  return `linux.namespaces[${index}] (${type}${path === undefined ? '' : ` at ${path}`})`
}

/** Decides how the container gets each namespace. */
export function planNamespaces(linux: Linux, facts: HostFacts): NamespacePlan {
  const modes = new Map(
    linux.namespaces.map((namespace) => [namespace.type, namespace.path === undefined ? 'new' : 'join'] as const),
  )
  const of: NamespacePlan['of'] = (type) => modes.get(type) ?? 'host'
  // With a user namespace all others must be created after it, to be owned by it; and init's execve(2) before the
  // mappings are written would drop its capabilities. So then init creates them all itself, and forks.
  const inUserNamespace = of('user') !== 'host'
  const forks = inUserNamespace || of('pid') === 'join' || of('time') !== 'host'
  const byClone = forks ? [] : (['ipc', 'mount', 'network', 'pid', 'uts'] as const)
  const cloneFlags = byClone.reduce((flags, type) => flags | (of(type) === 'new' ? namespaceFlags[type] : 0), 0)
  const unprivileged = inUserNamespace || facts.inUserNamespace
  // In `unshare -r` the runtime is root of a user namespace but in a mount namespace owned by another: init creates its
  // own.
  const mayClone = facts.euid === 0 && facts.ownsMounts
  return { of, cloneFlags, forks, unprivileged, cloner: unprivileged && mayClone ? 'runtime' : 'init' }
}

/**
 * Before root joins a user namespace: if its gid_map was written with setgroups denied, groups cannot be dropped there,
 * and a process in it would keep the runtime's groups of the host.
 */
export function dropGroups({ config, facts }: Pick<PlanContext, 'config' | 'facts'>): Step[] {
  if (facts.euid !== 0 || keepsGroups(config)) return []
  // Root of a user namespace may be denied this as well.
  const tolerate = facts.inUserNamespace ? [EPERM] : undefined
  return [{ op: 'setgroups', from: 'linux.namespaces (user)', gids: [], ...(tolerate && { tolerate }) }]
}

/** crun's annotation. */
export const keepsGroups = ({ annotations }: Config): boolean => annotations['run.oci.keep_original_groups'] === '1'

/**
 * An unprivileged user maps one group (none if the namespace is joined), and must deny setgroups for that
 * (user_namespaces(7)), unless newgidmap(1) writes the map.
 */
export const mayDenyGroups = ({ gidMappings }: Linux): boolean =>
  gidMappings.every(({ size }) => size === 1) && gidMappings.length <= 1

/** Opens and joins the namespaces given by path. */
export function joinSteps({ config, linux, slots, namespaces, shared, facts }: PlanContext): SectionSteps {
  const runtime: Step[] = []
  const early: Step[] = []
  const late: Step[] = []
  const opened: number[] = []
  const open = (type: NamespaceType): Step => {
    const namespace = linux.namespaces.find((candidate) => candidate.type === type)
    const from = where(linux.namespaces, type)
    const into = slots.allocate(`${type} namespace`)
    // O_NONBLOCK: it may be a FIFO.
    const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC
    runtime.push({ op: 'openat2', from, path: namespace?.path ?? '', flags, into })
    opened.push(into)
    if (type === 'user') shared.userNamespace = into
    return { op: 'setns', from, fd: into, nstype: namespaceFlags[type] }
  }
  const user = namespaces.of('user') === 'join' ? open('user') : undefined
  for (const type of joinOrder) {
    if (namespaces.of(type) !== 'join') continue
    const join = open(type)
    // The namespace is owned by the joined user namespace or by the runtime's, so joining is tried before and after;
    // only once after a success, because the second try may lack the privilege.
    if (user !== undefined) early.push({ ...join, once: 1, tolerate: [EPERM] } as Step)
    late.push(join)
  }
  if (opened.length > 0) late.push({ op: 'close', from: 'linux.namespaces', slots: opened })
  return { runtime, container: user === undefined ? late : [...early, ...dropGroups({ config, facts }), user, ...late] }
}

/**
 * A new user namespace: init creates it, the runtime writes the mappings. The steps of both sides, for the same point
 * of the order.
 */
export function userNamespaceSteps({ linux, namespaces, facts }: PlanContext): SectionSteps {
  if (namespaces.of('user') !== 'new')
    return { runtime: [], container: namespaces.of('user') === 'join' ? becomeRoot(linux) : [] }
  const from = where(linux.namespaces, 'user')
  const container: Step[] = [
    { op: 'unshare', from, flags: CLONE_NEWUSER },
    { op: 'sync_send', from, point: SYNC_USERNS },
    { op: 'sync_wait', from, point: SYNC_MAPPED },
    ...becomeRoot(linux),
  ]
  const runtime: Step[] = [
    { op: 'sync_wait', from, point: SYNC_USERNS },
    ...(facts.euid === 0 ? writeMappings(linux) : helperMappings(linux, facts)),
    { op: 'sync_send', from, point: SYNC_MAPPED },
  ]
  return { runtime, container }
}

/** Becomes root of a joined user namespace: the runtime's own ids are not mapped there. */
export const becomeRoot = (linux: Linux): Step[] => {
  const from = 'linux.uidMappings'
  const hasRoot = linux.uidMappings.length === 0 || linux.uidMappings.some((mapping) => mapping.containerID === 0)
  if (!hasRoot) return []
  return [
    { op: 'setresgid', from: 'linux.gidMappings', gid: 0 },
    { op: 'setresuid', from, uid: 0 },
  ]
}

type Mappings = Linux['uidMappings']
/** Lines of uid_map and gid_map (user_namespaces(7)). */
export const mapText = (mappings: Mappings): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')

const writeMappings = (linux: Linux): Step[] => [
  { op: 'write_child', from: 'linux.uidMappings', file: 'uid_map', data: mapText(linux.uidMappings) },
  { op: 'write_child', from: 'linux.gidMappings', file: 'gid_map', data: mapText(linux.gidMappings) },
]

const isOwn = (mappings: Mappings, id: number): boolean =>
  mappings.length === 1 && mappings[0]?.hostID === id && mappings[0]?.size === 1

/** An unprivileged process may only map its own id; newuidmap(1) and newgidmap(1) may map what /etc/subuid grants. */
function helperMappings(linux: Linux, facts: HostFacts): Step[] {
  const args = (mappings: Mappings) =>
    mappings.flatMap(({ containerID, hostID, size }) => [`${containerID}`, `${hostID}`, `${size}`])
  const [uids, gids] = writeMappings(linux) as [Step, Step]
  const uidSteps: Step[] = isOwn(linux.uidMappings, facts.euid)
    ? [uids]
    : [{ op: 'map_ids', from: 'linux.uidMappings', program: 'newuidmap', args: args(linux.uidMappings) }]
  const gidSteps: Step[] = isOwn(linux.gidMappings, facts.egid)
    ? [{ op: 'write_child', from: 'linux.gidMappings', file: 'setgroups', data: 'deny' }, gids]
    : [{ op: 'map_ids', from: 'linux.gidMappings', program: 'newgidmap', args: args(linux.gidMappings) }]
  return [...uidSteps, ...gidSteps]
}

/** Namespaces that clone3(2) could not create. */
export function unshareSteps({ linux, namespaces, slots }: PlanContext): Step[] {
  if (!namespaces.forks) return []
  const types = (['ipc', 'mount', 'network', 'pid', 'time', 'uts'] as const).filter(
    (type) => namespaces.of(type) === 'new',
  )
  const flags = types.reduce((all, type) => all | namespaceFlags[type], 0)
  const from = `linux.namespaces (${types.join(', ')})`
  const steps: Step[] = flags === 0 ? [] : [{ op: 'unshare', from, flags }]
  return [...steps, ...timeOffsetSteps(linux, namespaces, slots)]
}

/** Only a child is in the pid and time namespaces that init has created or joined. */
export const forkSteps = ({ namespaces }: PlanContext): Step[] =>
  namespaces.forks ? [{ op: 'fork', from: 'linux.namespaces' }] : []

function timeOffsetSteps(linux: Linux, namespaces: NamespacePlan, slots: PlanContext['slots']): Step[] {
  const { monotonic, boottime } = linux.timeOffsets
  if (namespaces.of('time') !== 'new' || (monotonic === undefined && boottime === undefined)) return []
  const line = (clock: string, offset: typeof monotonic) =>
    offset === undefined ? '' : `${clock} ${offset.secs} ${offset.nanosecs}\n`
  const from = 'linux.timeOffsets'
  const data = line('monotonic', monotonic) + line('boottime', boottime)
  const proc = slots.allocate('host /proc')
  return [
    // Becoming root of the user namespace has cleared init's dumpable flag, so its files in /proc belong to the host's
    // root.
    { op: 'prctl', from, option: PR_SET_DUMPABLE, arg2: 1 },
    { op: 'openat2', from, path: '/proc', flags: O_PATH | O_CLOEXEC, into: proc, expectFs: PROC_SUPER_MAGIC },
    { op: 'write_file', from, at: proc, path: 'self/timens_offsets', data },
    { op: 'close', from, slots: [proc] },
  ]
}

/** The root of a cgroup namespace is the cgroup of its creator, so init creates it after joining its cgroup. */
export function cgroupNamespaceSteps({ linux, namespaces }: PlanContext): Step[] {
  if (namespaces.of('cgroup') !== 'new') return []
  return [{ op: 'unshare', from: where(linux.namespaces, 'cgroup'), flags: CLONE_NEWCGROUP }]
}

/** Hostname and domainname (config.md) and the loopback device, which every new network namespace gets. */
export function namespaceContents({ config, namespaces }: PlanContext): Step[] {
  const steps: Step[] = []
  if (namespaces.of('network') === 'new') steps.push({ op: 'link_up', from: 'linux.namespaces (network)', name: 'lo' })
  if (config.hostname !== undefined) steps.push({ op: 'sethostname', from: 'hostname', name: config.hostname })
  if (config.domainname !== undefined) steps.push({ op: 'setdomainname', from: 'domainname', name: config.domainname })
  return steps
}
