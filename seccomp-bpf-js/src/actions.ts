/*
 * Actions of a profile as the 32-bit value a filter returns (uapi/linux/seccomp.h), and back to text.
 */

/** The actions an OCI profile may name. */
export type ActionName =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'

export const SECCOMP_RET_KILL_PROCESS = 0x80000000
export const SECCOMP_RET_KILL_THREAD = 0x00000000
export const SECCOMP_RET_TRAP = 0x00030000
export const SECCOMP_RET_ERRNO = 0x00050000
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000
export const SECCOMP_RET_TRACE = 0x7ff00000
export const SECCOMP_RET_LOG = 0x7ffc0000
export const SECCOMP_RET_ALLOW = 0x7fff0000

const EPERM = 1
/** The kernel's MAX_ERRNO, to which it reduces larger ones. */
const MAX_ERRNO = 4095
/** A tracer gets 16 bits. */
const MAX_DATA = 0xffff
const ENOSYS = 38

/** The result of calls that are newer than the newest call of the profile. */
export const RETURN_ENOSYS = SECCOMP_RET_ERRNO | ENOSYS

/** The result of calls on an architecture that the profile does not list. */
export const BAD_ARCHITECTURE = SECCOMP_RET_KILL_THREAD

const VALUES: Readonly<Record<ActionName, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET_KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET_KILL_THREAD,
  SCMP_ACT_TRAP: SECCOMP_RET_TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET_ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET_TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET_ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET_LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET_USER_NOTIF,
}

/** An action's value, or the reason why it is invalid. */
export interface ActionResult {
  readonly value: number
  readonly problem?: { readonly at: 'action' | 'errno'; readonly message: string }
}

/** The filter's return value for an action and its `errnoRet`. */
export const actionValue = (name: unknown, errno: unknown): ActionResult => {
  if (typeof name !== 'string' || !Object.hasOwn(VALUES, name))
    return { value: 0, problem: { at: 'action', message: `must be one of ${Object.keys(VALUES).join(', ')}` } }
  const value = VALUES[name as ActionName]
  const takesErrno = value === SECCOMP_RET_ERRNO || value === SECCOMP_RET_TRACE
  if (errno === undefined || errno === null) return { value: takesErrno ? value | EPERM : value }
  if (typeof errno !== 'number' || !Number.isInteger(errno) || errno < 0)
    return { value, problem: { at: 'errno', message: 'must be an unsigned integer' } }
  if (!takesErrno) return { value, problem: { at: 'errno', message: `has no meaning for ${name}` } }
  const most = value === SECCOMP_RET_ERRNO ? MAX_ERRNO : MAX_DATA
  if (errno > most) return { value, problem: { at: 'errno', message: `must be from 0 to ${most}, not ${errno}` } }
  return { value: value | errno }
}

/** A filter's return value as text: `ERRNO(1)`, `ALLOW`. */
export const describeAction = (value: number): string => {
  const data = value & 0xffff
  switch (((value & 0xffff0000) >>> 0) as number) {
    case SECCOMP_RET_KILL_PROCESS:
      return 'KILL_PROCESS'
    case SECCOMP_RET_KILL_THREAD:
      return 'KILL_THREAD'
    case SECCOMP_RET_TRAP:
      return 'TRAP'
    case SECCOMP_RET_ERRNO:
      return `ERRNO(${data})`
    case SECCOMP_RET_USER_NOTIF:
      return 'NOTIFY'
    case SECCOMP_RET_TRACE:
      return `TRACE(${data})`
    case SECCOMP_RET_LOG:
      return 'LOG'
    case SECCOMP_RET_ALLOW:
      return 'ALLOW'
    default:
      return `0x${value.toString(16)}`
  }
}
