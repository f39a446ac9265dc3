// The options of mounts[].options (config.md "Mounts", config-linux.md "Filesystem mount options"): which of them are
// attributes of the mount, propagation, instructions to the runtime, or data for the file system. `features` lists this table.

import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './constants.ts'

type Meaning =
  | { readonly kind: 'set' | 'clear'; readonly attribute: number }
  /** Set together with clearing what else stands in the same bits. */
  | { readonly kind: 'atime'; readonly attribute: number }
  | { readonly kind: 'propagation'; readonly flag: number }
  /** A flag of the file system as a whole; a bind mount has no say in it. */
  | { readonly kind: 'superblock'; readonly flag: string }
  | { readonly kind: 'bind' | 'remount' | 'tmpcopyup' | 'idmap' | 'ignored' }

const set = (attribute: number): Meaning => ({ kind: 'set', attribute })
const clear = (attribute: number): Meaning => ({ kind: 'clear', attribute })
const atime = (attribute: number): Meaning => ({ kind: 'atime', attribute })
const propagation = (flag: number): Meaning => ({ kind: 'propagation', flag })
const superblock = (flag: string): Meaning => ({ kind: 'superblock', flag })
const ignored: Meaning = { kind: 'ignored' }

/** Options that exist in a recursive form too, with an `r` before the name. No prototype: `constructor` is data like any other word. */
const recursiveToo: Readonly<Record<string, Meaning>> = {
  __proto__: null as never,
  atime: atime(MOUNT_ATTR_RELATIME),
  dev: clear(MOUNT_ATTR_NODEV),
  diratime: clear(MOUNT_ATTR_NODIRATIME),
  exec: clear(MOUNT_ATTR_NOEXEC),
  noatime: atime(MOUNT_ATTR_NOATIME),
  nodev: set(MOUNT_ATTR_NODEV),
  nodiratime: set(MOUNT_ATTR_NODIRATIME),
  noexec: set(MOUNT_ATTR_NOEXEC),
  norelatime: atime(MOUNT_ATTR_STRICTATIME),
  nostrictatime: atime(MOUNT_ATTR_RELATIME),
  nosuid: set(MOUNT_ATTR_NOSUID),
  nosymfollow: set(MOUNT_ATTR_NOSYMFOLLOW),
  relatime: atime(MOUNT_ATTR_RELATIME),
  ro: set(MOUNT_ATTR_RDONLY),
  rw: clear(MOUNT_ATTR_RDONLY),
  strictatime: atime(MOUNT_ATTR_STRICTATIME),
  suid: clear(MOUNT_ATTR_NOSUID),
  symfollow: clear(MOUNT_ATTR_NOSYMFOLLOW),
  private: propagation(MS_PRIVATE),
  shared: propagation(MS_SHARED),
  slave: propagation(MS_SLAVE),
  unbindable: propagation(MS_UNBINDABLE),
  bind: { kind: 'bind' },
  idmap: { kind: 'idmap' },
}

const plainOnly: Readonly<Record<string, Meaning>> = {
  __proto__: null as never,
  async: superblock('async'),
  defaults: ignored,
  dirsync: superblock('dirsync'),
  iversion: ignored,
  lazytime: superblock('lazytime'),
  loud: ignored,
  mand: ignored,
  noiversion: ignored,
  nolazytime: superblock('nolazytime'),
  nomand: ignored,
  remount: { kind: 'remount' },
  silent: ignored,
  sync: superblock('sync'),
  tmpcopyup: { kind: 'tmpcopyup' },
}

/** Flags that mount(8) takes for every file system, and which say nothing to a bind mount. */
export const isSuperblockFlag = (option: string): boolean => plainOnly[option]?.kind === 'superblock'

/** Every option this runtime knows, sorted, as `features` reports them. */
export function knownMountOptions(): string[] {
  const recursive = Object.keys(recursiveToo)
  return [...recursive, ...recursive.map((name) => `r${name}`), ...Object.keys(plainOnly)].sort()
}

/** Attributes for one mount_setattr(2). */
export interface Attributes {
  readonly set: number
  readonly clear: number
}

/** The options of one mount, sorted out. */
export interface MountOptions {
  readonly bind: 'no' | 'bind' | 'rbind'
  readonly remount: boolean
  readonly tmpcopyup: boolean
  readonly idmap: 'no' | 'idmap' | 'ridmap'
  readonly attributes: Attributes
  readonly recursiveAttributes: Attributes
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[]
  /** Flags and `key=value` for the file system, in order. */
  readonly data: readonly string[]
}

export const noAttributes: Attributes = { set: 0, clear: 0 }

function apply(to: Attributes, meaning: Meaning): Attributes {
  if (meaning.kind === 'set') return { set: to.set | meaning.attribute, clear: to.clear & ~meaning.attribute }
  if (meaning.kind === 'clear') return { set: to.set & ~meaning.attribute, clear: to.clear | meaning.attribute }
  if (meaning.kind !== 'atime') return to
  return { set: (to.set & ~MOUNT_ATTR__ATIME) | meaning.attribute, clear: to.clear | MOUNT_ATTR__ATIME }
}

/** Sort out the options of one mount. A later option wins over an earlier one, as in mount(8). */
export function readMountOptions(options: readonly string[]): MountOptions {
  let bind: MountOptions['bind'] = 'no'
  let idmap: MountOptions['idmap'] = 'no'
  let remount = false
  let tmpcopyup = false
  let attributes = noAttributes
  let recursiveAttributes = noAttributes
  const propagationFlags: { flag: number; recursive: boolean }[] = []
  const data: string[] = []
  for (const option of options) {
    const plain = plainOnly[option] ?? recursiveToo[option]
    const meaning = plain ?? (option[0] === 'r' ? recursiveToo[option.slice(1)] : undefined)
    const recursive = plain === undefined
    if (meaning === undefined) data.push(option)
    else if (meaning.kind === 'bind') bind = recursive ? 'rbind' : 'bind'
    else if (meaning.kind === 'idmap') idmap = recursive ? 'ridmap' : 'idmap'
    else if (meaning.kind === 'remount') remount = true
    else if (meaning.kind === 'tmpcopyup') tmpcopyup = true
    else if (meaning.kind === 'superblock') data.push(meaning.flag)
    else if (meaning.kind === 'propagation') propagationFlags.push({ flag: meaning.flag, recursive })
    else if (recursive) recursiveAttributes = apply(recursiveAttributes, meaning)
    else attributes = apply(attributes, meaning)
  }
  return { bind, remount, tmpcopyup, idmap, attributes, recursiveAttributes, propagation: propagationFlags, data }
}
