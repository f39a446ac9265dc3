// Mount options as flags of mount(2), and their translation for fsmount(2) of a new mount and mount_setattr(2) of a
// bind mount or a remount. Access times follow the precedence of mount(2), which all callers know.

import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_RELATIME,
  MS_STRICTATIME,
} from '../steps/constants.ts'

/** Flags of mount(2) that options set and that options clear. No flag is in both. */
export interface MountFlags {
  readonly set: number
  readonly clear: number
}

/** Attributes for one mount_setattr(2). */
export interface Attributes {
  readonly set: number
  readonly clear: number
}

export const noFlags: MountFlags = { set: 0, clear: 0 }
export const noAttributes: Attributes = { set: 0, clear: 0 }

const SAME = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
const ACCESS_TIMES = MS_NOATIME | MS_RELATIME | MS_STRICTATIME
const RESTRICTIONS =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOSYMFOLLOW

/** Attributes of one bit; the first four have the numbers of mount(2). */
const singleBits = (flags: number): number =>
  (flags & SAME) |
  (flags & MS_NOSYMFOLLOW ? MOUNT_ATTR_NOSYMFOLLOW : 0) |
  (flags & MS_NODIRATIME ? MOUNT_ATTR_NODIRATIME : 0)

/** mount(2): strictatime overrides noatime, and noatime overrides relatime, the default, which has no bit. */
function accessTime(flags: number): number {
  if (flags & MS_STRICTATIME) return MOUNT_ATTR_STRICTATIME
  return flags & MS_NOATIME ? MOUNT_ATTR_NOATIME : 0
}

/** The attributes of a new mount. */
export const newMountAttributes = ({ set }: MountFlags): number => singleBits(set) | accessTime(set)

/**
 * The attributes of a bind mount with flags: it has exactly these, as in runc and crun. Access times only change if an option sets one of
 * their flags, then all do (mount(2), MS_REMOUNT). In a user namespace the source's restrictions are locked (mount_namespaces(7)): there
 * only flags that an option clears, and flags that are never locked, are cleared.
 */
export function exactAttributes(flags: MountFlags, unprivileged: boolean): Attributes {
  const set = newMountAttributes(flags)
  const isTimed = (flags.set & (ACCESS_TIMES | MS_NODIRATIME)) !== 0
  const others = unprivileged ? MOUNT_ATTR_NOSYMFOLLOW : RESTRICTIONS
  const taken = singleBits(flags.clear) & RESTRICTIONS
  const clear = (taken | others | (isTimed ? MOUNT_ATTR_NODIRATIME : 0)) & ~set
  return { set, clear: isTimed ? clear | MOUNT_ATTR__ATIME : clear }
}

/** Whether the options name access times: clearing a mode restores the default, which itself cannot be cleared. */
const namesAccessTime = ({ set, clear }: MountFlags): boolean =>
  (set & ACCESS_TIMES) !== 0 || (clear & (MS_NOATIME | MS_STRICTATIME)) !== 0

/** The attributes that a remount or the recursive options change: those that are named. */
export const changedAttributes = (flags: MountFlags): Attributes => ({
  set: newMountAttributes(flags),
  clear: singleBits(flags.clear) | (namesAccessTime(flags) ? MOUNT_ATTR__ATIME : 0),
})

/** The flags of a mount without submounts: the recursive options apply to the mount itself, after the others. */
export function joinFlags({ set, clear }: MountFlags, recursive: MountFlags): MountFlags {
  const kept = set & ~recursive.clear & ~(namesAccessTime(recursive) ? ACCESS_TIMES : 0)
  return { set: kept | recursive.set, clear: (clear & ~recursive.set) | recursive.clear }
}
