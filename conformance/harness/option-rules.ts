/*
 * Mount options whose meaning differs between a peer and runt: each difference as the options with which runt gives the
 * peer's result. docs/spec-choices.md, "Mount options", explains them.
 */

/** Options by flag: the one that sets it, the one that clears it. */
export const flags: readonly (readonly [string, string])[] = [
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
  ['nosymfollow', 'symfollow'],
  ['noatime', 'atime'],
  ['nodiratime', 'diratime'],
  ['relatime', 'norelatime'],
  ['strictatime', 'nostrictatime'],
]
const superblock: readonly (readonly [string, string])[] = [
  ['sync', 'async'],
  ['dirsync', ''],
  ['lazytime', 'nolazytime'],
  ['mand', 'nomand'],
  ['iversion', 'noiversion'],
  ['silent', 'loud'],
]
const propagation = ['private', 'shared', 'slave', 'unbindable']
export const propagations: readonly string[] = [...propagation, ...propagation.map((word) => `r${word}`)]

const all = [...flags, ...superblock]
const plain = all.flat().filter((word) => word !== '')
export const recursive: readonly string[] = flags.flat().map((word) => `r${word}`)
/** Flags of mount(2) without an effect on a mount: they are equivalent, so pairs omit them. */
export const idle: readonly string[] = ['mand', 'nomand', 'iversion', 'noiversion', 'loud', 'nolazytime']
/** Every option that a bind mount can have alone. */
export const words: readonly string[] = [
  ...plain,
  ...recursive,
  ...propagations,
  'bind',
  'rbind',
  'defaults',
  'tmpcopyup',
]

type Options = readonly string[]
export interface Rule {
  readonly why: string
  /** The options that give the peer's result with runt; 'refused': the peer refuses them; 'other': there are none. */
  readonly as: (options: Options) => Options | 'refused' | 'other'
}

const isSet = (options: Options): boolean =>
  all.some(([set, clear]) => options.lastIndexOf(set) > Math.max(-1, options.lastIndexOf(clear)))

const refusing = (names: readonly string[], options: Options): Options | 'refused' =>
  options.some((option) => names.includes(option)) ? 'refused' : options

/** mount_setattr(2) gets the bits to set and to clear, and sets bits that are in both. */
const recursiveSetWins: Rule = {
  why: 'a recursive option wins over the one that takes it back, whatever the order',
  as: (options) => {
    const lost = flags.filter(([set]) => options.includes(`r${set}`)).map(([, clear]) => `r${clear}`)
    return options.filter((option) => !lost.includes(option))
  },
}

export const rules: Readonly<Record<'runc' | 'crun', readonly Rule[]>> = {
  runc: [
    { why: 'cannot take back a recursive access time', as: (o) => refusing(['ratime', 'rnostrictatime'], o) },
    {
      why: 'two recursive access times are none',
      as: (o) => (o.includes('rnoatime') && o.includes('rstrictatime') ? 'refused' : o),
    },
    recursiveSetWins,
    {
      why: 'before 1.2 options that only take back do nothing',
      as: (options) => (isSet(options) ? options : options.filter((option) => !plain.includes(option))),
    },
  ],
  crun: [
    {
      why: 'passes the bits of mount(2) to mount_setattr(2), which does not know them',
      as: (o) => refusing(['ratime', 'rnoatime', 'rdiratime', 'rnodiratime', 'rstrictatime', 'rnostrictatime'], o),
    },
    { why: 'tmpcopyup is for tmpfs only', as: (o) => refusing(['tmpcopyup'], o) },
    {
      why: 'takes one kind of propagation',
      as: (options) => {
        const kinds = new Set(options.filter((option) => propagations.includes(option)).map((o) => o.replace(/^r/, '')))
        const isMixed = kinds.size > 1
        return isMixed ? 'refused' : options
      },
    },
    {
      why: 'ro comes last, after the recursive options, and takes back what they have set',
      as: (o) =>
        o.some((option) => /^r?ro$/.test(option)) && o.some((option) => /^r(rw|relatime|norelatime)$/.test(option))
          ? 'other'
          : o,
    },
    { why: 'does not know nosymfollow', as: (options) => options.filter((option) => !option.endsWith('symfollow')) },
    recursiveSetWins,
    {
      why: 'a recursive option is one of the mount itself as well; rrelatime has the number of nosymfollow',
      as: (options) =>
        options.flatMap((option) => {
          if (!recursive.includes(option)) return [option]
          return [option.slice(1), { rrelatime: 'rnosymfollow', rnorelatime: 'rsymfollow' }[option] ?? option]
        }),
    },
    {
      why: 'an option wins over the one that takes it back, whatever the order',
      as: (options) => {
        const lost = all.filter(([set]) => options.includes(set)).map(([, clear]) => clear)
        return options.filter((option) => !lost.includes(option))
      },
    },
    { why: 'a bind mount without flags has none of its source’s', as: (options) => [...options, 'silent'] },
  ],
}
