// Namespaces (config-linux.md "Namespaces", "User namespace mappings", "Offset for Time Namespaces"): which are made by
// clone3(2), which init joins or makes itself, and in which order. Order between sections is decided in steps.ts.

import type { Linux, Namespace, NamespaceType } from '../config/config.ts'
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
} from './constants.ts'
import type { NamespacePlan, PlanContext, SectionSteps } from './context.ts'
import type { HostFacts } from './host-facts.ts'
import { type Step, SYNC_MAPPED, SYNC_USERNS } from './launch-plan.ts'

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

/** A mount namespace is joined last: after it, paths mean something else. */
const joinOrder: readonly NamespaceType[] = ['cgroup', 'ipc', 'network', 'uts', 'time', 'pid', 'mount']

const where = (namespaces: readonly Namespace[], type: NamespaceType): string => {
  const index = namespaces.findIndex((namespace) => namespace.type === type)
  const path = namespaces[index]?.path
  return `linux.namespaces[${index}] (${type}${path === undefined ? '' : ` at ${path}`})`
}

/** Decide how each namespace comes about. */
export function planNamespaces(linux: Linux, facts: HostFacts): NamespacePlan {
  const modes = new Map(
    linux.namespaces.map((namespace) => [namespace.type, namespace.path === undefined ? 'new' : 'join'] as const),
  )
  const of: NamespacePlan['of'] = (type) => modes.get(type) ?? 'host'
  // In a user namespace every other one must be made after it, so that it is owned by it; execve(2) of init before
  // the mappings are written would take its capabilities away. So then init makes them all itself, and forks.
  const inUserNamespace = of('user') !== 'host'
  const forks = inUserNamespace || of('pid') === 'join' || of('time') !== 'host'
  const byClone = forks ? [] : (['ipc', 'mount', 'network', 'pid', 'uts'] as const)
  const cloneFlags = byClone.reduce((flags, type) => flags | (of(type) === 'new' ? namespaceFlags[type] : 0), 0)
  const unprivileged = inUserNamespace || facts.inUserNamespace
  return { of, cloneFlags, forks, unprivileged, cloner: unprivileged && facts.euid === 0 ? 'runtime' : 'init' }
}

/** Opening and joining the namespaces given by path. */
export function joinSteps({ linux, slots, namespaces, shared }: PlanContext): SectionSteps {
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
    // Owned by the user namespace that is joined, or by the runtime's: tried from both sides, but after a success once only,
    // since the other side may not have the privilege any more.
    if (user !== undefined) early.push({ ...join, once: 1, tolerate: [EPERM] } as Step)
    late.push(join)
  }
  if (opened.length > 0) late.push({ op: 'close', from: 'linux.namespaces', slots: opened })
  return { runtime, container: user === undefined ? late : [...early, user, ...late] }
}

/** A new user namespace: init makes it, the runtime writes the mappings. Both sides' steps, to be placed at the same point. */
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

/** After joining a user namespace: its root, for the runtime's own ids mean nothing there. */
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

/** Without privileges the kernel takes one's own id only; newuidmap(1) and newgidmap(1) may map what /etc/subuid grants. */
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

/** What clone3(2) could not make. */
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

/** Only a child gets into the pid and time namespaces that init has made or joined. */
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
    // Becoming root of the user namespace has made init not dumpable, and its files in /proc the host root's.
    { op: 'prctl', from, option: PR_SET_DUMPABLE, arg2: 1 },
    { op: 'openat2', from, path: '/proc', flags: O_PATH | O_CLOEXEC, into: proc, expectFs: PROC_SUPER_MAGIC },
    { op: 'write_file', from, at: proc, path: 'self/timens_offsets', data },
    { op: 'close', from, slots: [proc] },
  ]
}

/** The cgroup namespace is rooted where init is when it is made: after it has joined its cgroup. */
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
