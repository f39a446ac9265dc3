// Credentials (config.md "User", "Linux Process" capabilities, noNewPrivileges, capabilities(7)), ordered so that each
// call still has the privilege it needs. order.ts decides the order of the sections.

import type { Capabilities } from '../config/config.ts'
import { capabilityNames } from '../config/kernel-names.ts'
import {
  EBADF,
  EINVAL,
  EPERM,
  EROFS,
  makedev,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { isWeakened } from '../weaken.ts'
import type { ProcessContext } from './context.ts'
import { keepsGroups, mayDenyGroups } from './namespaces.ts'

const everything = (1n << BigInt(capabilityNames.length)) - 1n

const bits = new Map(capabilityNames.map((name, number) => [name as string, 1n << BigInt(number)]))

/** A capability set as a bit mask. Skips unknown names: config/ has warned about them. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n
  for (const name of names) mask |= bits.get(name) ?? bits.get(name.toUpperCase()) ?? 0n
  return mask
}

/** The bits set in a mask, ascending. */
function capabilityNumbers(mask: bigint): number[] {
  const numbers: number[] = []
  if (mask === 0n) return numbers
  for (let rest = Number(mask & 0xffffffffn); rest !== 0; rest &= rest - 1) numbers.push(31 - Math.clz32(rest & -rest))
  for (let rest = Number(mask >> 32n); rest !== 0; rest &= rest - 1) numbers.push(63 - Math.clz32(rest & -rest))
  return numbers
}

const noCapabilities: Capabilities = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] }

/** Drops capabilities from the bounding set, while the process still has CAP_SETPCAP. */
export function boundingSteps({ process, facts, namespaces }: ProcessContext): Step[] {
  const available = namespaces.of('user') === 'host' ? facts.boundingSet : everything
  const kept = capabilityMask(process.capabilities?.bounding ?? [])
  const capabilities = capabilityNumbers(available & ~kept)
  return capabilities.length === 0 ? [] : [{ op: 'capbset_drop', from: 'process.capabilities.bounding', capabilities }]
}

/**
 * Reopens null devices inside the container, and changes the owner of the others, as runc does: a process that is not root must be able
 * to open /dev/stdout, which leads to a pipe or file of the caller. Streams whose owner has no id in the namespace, and null devices,
 * keep their owner.
 */
export function standardStreamSteps({ process }: ProcessContext): Step[] {
  // The terminal already belongs to the user.
  if (process.terminal) return []
  const { uid } = process.user
  const resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS
  const reopen: Step[] = [{ op: 'reopen_null', from: 'process', path: '/dev/null', resolve }]
  if (uid === 0) return reopen
  const tolerate = [EBADF, EINVAL, EPERM, EROFS]
  const chown = [0, 1, 2].map(
    (fd): Step => ({ op: 'fchown', from: 'process.user.uid', fd, uid, unlessRdev: makedev(1, 3), tolerate }),
  )
  return [...reopen, ...chown]
}

/** Groups and ids. setuid to another user clears the permitted set unless KEEPCAPS is set. */
export function userSteps({ config, process, facts, namespaces, linux, options }: ProcessContext): Step[] {
  const { uid, gid, additionalGids } = process.user
  const steps: Step[] = []
  if (uid !== 0) steps.push({ op: 'prctl', from: 'process.user.uid', option: PR_SET_KEEPCAPS, arg2: 1 })
  const denied = namespaces.of('user') === 'new' && facts.euid !== 0 && linux.gidMappings.length <= 1
  // Groups cannot be dropped in a user namespace whose gid_map was written with setgroups denied.
  const isOthers = options.mode === 'exec' && namespaces.of('user') !== 'host' && mayDenyGroups(linux)
  const mayBeDenied = namespaces.of('user') === 'join' || facts.inUserNamespace || isOthers
  const tolerate = mayBeDenied && additionalGids.length === 0 ? [EPERM] : undefined
  if (!denied && !keepsGroups(config))
    steps.push({
      op: 'setgroups',
      from: 'process.user.additionalGids',
      // Engines list the user's own group twice.
      gids: [...new Set(additionalGids)],
      ...(tolerate && { tolerate }),
    })
  const isNow = (id: number, own: number) => id === 0 && own === 0 && namespaces.of('user') === 'host'
  if (!isNow(gid, facts.egid)) steps.push({ op: 'setresgid', from: 'process.user.gid', gid })
  if (!isNow(uid, facts.euid)) steps.push({ op: 'setresuid', from: 'process.user.uid', uid })
  return steps
}

interface Sets {
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
  readonly ambient: bigint
}

/**
 * The four sets besides the bounding set. A capability that the runtime lacks is left out, as the spec requires, with a
 * warning.
 */
function capabilitySets({ process, facts, namespaces }: ProcessContext): Sets {
  const sets = process.capabilities ?? noCapabilities
  const available = namespaces.of('user') === 'host' ? facts.boundingSet : everything
  const mask = (names: readonly string[]) => capabilityMask(names) & available
  const permitted = mask(sets.permitted)
  // capset(2) refuses inheritable capabilities outside of the bounding set and effective ones that are not permitted;
  // the kernel raises ambient ones only if they are permitted and inheritable (capabilities(7)). capabilityWarnings
  // reports the rest.
  const inheritable =
    RUNT_WEAKEN && isWeakened('inheritable') ? permitted : mask(sets.inheritable) & mask(sets.bounding)
  return {
    effective: mask(sets.effective) & permitted,
    permitted,
    inheritable,
    ambient: mask(sets.ambient) & permitted & inheritable,
  }
}

export function capabilitySteps(context: ProcessContext): Step[] {
  const { ambient, ...sets } = capabilitySets(context)
  const steps: Step[] = [{ op: 'capset', from: 'process.capabilities', ...sets }]
  if (ambient !== 0n)
    steps.push({
      op: 'cap_ambient_raise',
      from: 'process.capabilities.ambient',
      capabilities: capabilityNumbers(ambient),
    })
  return steps
}

const sysAdmin = capabilityMask(['CAP_SYS_ADMIN'])

/**
 * The process's sets plus CAP_SYS_ADMIN, which does not affect file access: the program is looked up with the process's
 * rights.
 */
export function keepSysAdminSteps(context: ProcessContext): Step[] {
  const { effective, permitted, inheritable } = capabilitySets(context)
  const sets = { effective: effective | sysAdmin, permitted: permitted | sysAdmin, inheritable }
  return [{ op: 'capset', from: 'linux.seccomp', ...sets }]
}

export function noNewPrivilegesSteps({ process }: ProcessContext): Step[] {
  if (!process.noNewPrivileges) return []
  return [{ op: 'prctl', from: 'process.noNewPrivileges', option: PR_SET_NO_NEW_PRIVS, arg2: 1 }]
}

const namesOf = (mask: bigint): string =>
  capabilityNumbers(mask)
    .map((number) => capabilityNames[number])
    .join(', ')

/**
 * Warns about capabilities that the process does not get, one line for each reason: buildah requests eleven at every
 * build step.
 */
export function capabilityWarnings({ process, facts, namespaces }: ProcessContext): string[] {
  const sets = process.capabilities ?? noCapabilities
  const available = namespaces.of('user') === 'host' ? facts.boundingSet : everything
  const warnings: string[] = []
  const lost = capabilityMask(Object.values(sets).flat()) & ~available
  if (lost !== 0n) warnings.push(`process.capabilities: not available to runt, left out: ${namesOf(lost)}`)
  const without = (set: readonly string[], condition: bigint, say: (names: string) => string): void => {
    const mask = capabilityMask(set) & ~lost & ~condition
    if (mask !== 0n) warnings.push(say(namesOf(mask)))
  }
  const [bounding, permitted] = [capabilityMask(sets.bounding), capabilityMask(sets.permitted)]
  const inheritable = capabilityMask(sets.inheritable) & bounding
  const at = 'process.capabilities'
  without(sets.effective, permitted, (names) => `${at}.effective: not permitted, left out: ${names}`)
  without(sets.inheritable, bounding, (names) => `${at}.inheritable: not in the bounding set, left out: ${names}`)
  // runc's wording.
  const raise = (names: string) => `can't raise ambient capability ${names}: not both permitted and inheritable`
  without(sets.ambient, permitted & inheritable, raise)
  return warnings
}
