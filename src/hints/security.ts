// Why keyrings, sysctls, seccomp profiles, sockets and network devices are refused.

import { attempt } from '../errors.ts'
import { suggest } from '../suggest.ts'
import { namesIn, parentOf, textOf } from './facts.ts'
import type { Hint, Hints } from './failure.ts'

/** keyrings(7): keys of the user, and how many it may have, from its line of /proc/key-users. */
const keyQuota: Hint = ({ native, config }) => {
  // The keyring belongs to the uid that init has then: the container's root.
  const uid = config?.linux.uidMappings.find(({ containerID }) => containerID === 0)?.hostID ?? native.euid()
  const line = textOf(native, '/proc/key-users')
    ?.split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([id]) => id === `${uid}:`)
  const [used, most] = line?.[3]?.split('/').map(Number) ?? []
  const [bytes, mostBytes] = line?.[4]?.split('/').map(Number) ?? []
  const prefix = uid === 0 ? 'kernel.keys.root_max' : 'kernel.keys.max'
  const wayOut = 'raise it, or pass --no-new-keyring'
  if (used !== undefined && most !== undefined && used >= most)
    return `uid ${uid} has used its quota of keys (${prefix}keys=${most}): ${wayOut}`
  // A keyring takes about its name and 100 bytes more.
  if (bytes === undefined || mostBytes === undefined || bytes + 256 < mostBytes) return undefined
  return `uid ${uid} has used ${bytes} bytes of its quota of keys (${prefix}bytes=${mostBytes}): ${wayOut}`
}

const sysctl: Hint = ({ native, step }) => {
  const path = 'path' in step && typeof step.path === 'string' ? /(?:^|\/)sys\/(.+)$/.exec(step.path)?.[1] : undefined
  const file = path && `/proc/sys/${path}`
  if (!file || attempt(() => native.exists(file)) !== false) return undefined
  const name = file.slice(file.lastIndexOf('/') + 1)
  const similar = suggest(name, namesIn(native, parentOf(file)))
  const advice = similar === undefined ? `see sysctl -a` : `the most similar is ${similar}`
  return `this kernel has no such sysctl: ${advice}`
}

const ACTIONS = '/proc/sys/kernel/seccomp/actions_avail'
/** Names of the actions in the file that differ from those of libseccomp. */
const kernelActions: { readonly [action: string]: string } = { notify: 'user_notif', kill: 'kill_thread' }

const filter: Hint = ({ native, config }) => {
  const known = textOf(native, ACTIONS)?.split(' ')
  const profile = config?.linux.seccomp
  if (known === undefined || profile === undefined) return undefined
  const used = [profile.defaultAction, ...profile.syscalls.map(({ action }) => action)]
  const unknown = used.find((action) => {
    const name = action.slice('SCMP_ACT_'.length).toLowerCase()
    return !known.includes(kernelActions[name] ?? name)
  })
  if (unknown !== undefined) return `the kernel does not know the action ${unknown} (${ACTIONS})`
  const { flags = [] } = profile
  return flags.length === 0 ? undefined : `the kernel does not know a flag of the profile: ${flags.join(', ')}`
}

const socketPath = ({ step }: Parameters<Hint>[0]): string | undefined =>
  step.op === 'connect' ? step.path : undefined

const noSocket: Hint = (failure) => {
  const path = socketPath(failure)
  if (path === undefined || attempt(() => failure.native.exists(path)) !== false) return undefined
  return 'there is no such socket: start the program that listens there first, or correct the path'
}

const refusedSocket: Hint = (failure) => {
  const path = socketPath(failure)
  const status = path ? attempt(() => failure.native.status(path)) : undefined
  if (status === undefined) return undefined
  return status.kind === 'socket' ? 'no program listens at this socket' : `not a socket but a ${status.kind}`
}

const noDevice: Hint = ({ native, step }) => {
  const name = step.op === 'move_netdev' ? step.name : undefined
  if (name === undefined || attempt(() => native.exists(`/sys/class/net/${name}`)) !== false) return undefined
  return `there is no such network device on the host: it has ${namesIn(native, '/sys/class/net').join(', ')}`
}

export const securityPropertyHints: Hints = {
  'session keyring EDQUOT': keyQuota,
  'linux.sysctl ENOENT': sysctl,
}

export const securityHints: Hints = {
  'seccomp EINVAL': filter,
  'connect ENOENT': noSocket,
  'connect ECONNREFUSED': refusedSocket,
  'connect ENOTSOCK': refusedSocket,
  'move_netdev ENODEV': noDevice,
  'move_netdev EEXIST': 'the name is taken in the network namespace of the container',
}
