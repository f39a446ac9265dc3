// Parses mounts[].options (config.md "Mounts", config-linux.md "Filesystem mount options"): flags of the mount,
// propagation, options of the runtime, and data for the file system. `features` lists this table. docs/spec-choices.md,
// "Mount options", describes how they combine.

import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
} from '../steps/constants.ts'
import { type MountFlags, noFlags } from './mount-flags.ts'

type Meaning =
  | { readonly kind: 'set' | 'clear'; readonly flag: number }
  | { readonly kind: 'propagation'; readonly flag: number }
  /** A flag of the file system as a whole, which has no effect on a bind mount. */
  | { readonly kind: 'superblock'; readonly flag: string }
  /** A flag of mount(2) without effect. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'bind' | 'remount' | 'tmpcopyup' | 'idmap' | 'ignored' | LinkOption }

type LinkOption = 'copy-symlink' | 'src-nofollow' | 'dest-nofollow'

const set = (flag: number): Meaning => ({ kind: 'set', flag })
const clear = (flag: number): Meaning => ({ kind: 'clear', flag })
const propagation = (flag: number): Meaning => ({ kind: 'propagation', flag })
const superblock = (flag: string): Meaning => ({ kind: 'superblock', flag })
const idle: Meaning = { kind: 'idle' }

/**
 * Options that also exist in a recursive form, with an `r` before the name. No prototype: `constructor` must be treated
 * as data.
 */
const recursiveToo: Readonly<Record<string, Meaning>> = {
  __proto__: null as never,
  atime: clear(MS_NOATIME),
  dev: clear(MS_NODEV),
  diratime: clear(MS_NODIRATIME),
  exec: clear(MS_NOEXEC),
  noatime: set(MS_NOATIME),
  nodev: set(MS_NODEV),
  nodiratime: set(MS_NODIRATIME),
  noexec: set(MS_NOEXEC),
  norelatime: clear(MS_RELATIME),
  nostrictatime: clear(MS_STRICTATIME),
  nosuid: set(MS_NOSUID),
  nosymfollow: set(MS_NOSYMFOLLOW),
  relatime: set(MS_RELATIME),
  ro: set(MS_RDONLY),
  rw: clear(MS_RDONLY),
  strictatime: set(MS_STRICTATIME),
  suid: clear(MS_NOSUID),
  symfollow: clear(MS_NOSYMFOLLOW),
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
  'copy-symlink': { kind: 'copy-symlink' },
  defaults: { kind: 'ignored' },
  'dest-nofollow': { kind: 'dest-nofollow' },
  dirsync: superblock('dirsync'),
  iversion: idle,
  lazytime: superblock('lazytime'),
  loud: idle,
  mand: idle,
  noiversion: idle,
  nolazytime: superblock('nolazytime'),
  nomand: idle,
  remount: { kind: 'remount' },
  silent: idle,
  'src-nofollow': { kind: 'src-nofollow' },
  sync: superblock('sync'),
  tmpcopyup: { kind: 'tmpcopyup' },
}

/** Flags that mount(8) accepts for every file system and that have no effect on a bind mount. */
export const isSuperblockFlag = (option: string): boolean => plainOnly[option]?.kind === 'superblock'

/** Every option of this runtime, sorted, as `features` reports them. */
export function knownMountOptions(): string[] {
  const recursive = Object.keys(recursiveToo)
  return [...recursive, ...recursive.map((name) => `r${name}`), ...Object.keys(plainOnly)].sort()
}

/** An option for the file system, with its index in mounts[].options; options added by the runtime have none. */
export interface DataOption {
  readonly text: string
  readonly index?: number
}

/** The parsed options of one mount. */
export interface MountOptions {
  readonly bind: 'no' | 'bind' | 'rbind'
  readonly remount: boolean
  readonly tmpcopyup: boolean
  readonly idmap: 'no' | 'idmap' | 'ridmap'
  readonly links: readonly LinkOption[]
  readonly flags: MountFlags
  readonly recursiveFlags: MountFlags
  /** Whether they contain a flag of mount(2), even one without effect or one that clears a flag. */
  readonly hasFlags: boolean
  readonly propagation: readonly { readonly flag: number; readonly recursive: boolean }[]
  /** Flags and `key=value` for the file system, in order. */
  readonly data: readonly DataOption[]
}

const apply = (to: MountFlags, { kind, flag }: { kind: 'set' | 'clear'; flag: number }): MountFlags =>
  kind === 'set' ? { set: to.set | flag, clear: to.clear & ~flag } : { set: to.set & ~flag, clear: to.clear | flag }

/**
 * Parses the options of one mount. The last of two options about the same flag wins, as in mount(8); empty options are
 * ignored.
 */
export function readMountOptions(options: readonly string[]): MountOptions {
  let bind: MountOptions['bind'] = 'no'
  let idmap: MountOptions['idmap'] = 'no'
  let remount = false
  let tmpcopyup = false
  let flags = noFlags
  let recursiveFlags = noFlags
  let hasFlags = false
  const links: LinkOption[] = []
  const propagationFlags: { flag: number; recursive: boolean }[] = []
  const data: DataOption[] = []
  for (let index = 0; index < options.length; index++) {
    const option = options[index] as string
    if (option === '') continue
    const plain = plainOnly[option] ?? recursiveToo[option]
    const meaning = plain ?? (option[0] === 'r' ? recursiveToo[option.slice(1)] : undefined)
    const recursive = plain === undefined
    if (meaning === undefined) data.push({ text: option, index })
    else if (meaning.kind === 'set' || meaning.kind === 'clear') {
      if (recursive) recursiveFlags = apply(recursiveFlags, meaning)
      else flags = apply(flags, meaning)
      if (!recursive) hasFlags = true
    } else if (meaning.kind === 'bind') bind = recursive ? 'rbind' : bind === 'no' ? 'bind' : bind
    else if (meaning.kind === 'idmap') idmap = recursive ? 'ridmap' : 'idmap'
    else if (meaning.kind === 'remount') remount = true
    else if (meaning.kind === 'tmpcopyup') tmpcopyup = true
    else if (meaning.kind === 'propagation') propagationFlags.push({ flag: meaning.flag, recursive })
    else if (meaning.kind === 'superblock' || meaning.kind === 'idle') {
      hasFlags = true
      if (meaning.kind === 'superblock') data.push({ text: meaning.flag, index })
    } else if (meaning.kind !== 'ignored') links.push(meaning.kind)
  }
  const propagation = propagationFlags
  return { bind, remount, tmpcopyup, idmap, links, flags, recursiveFlags, hasFlags, propagation, data }
}
