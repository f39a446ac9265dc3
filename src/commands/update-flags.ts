// The flags of `update` as a part of linux.resources. Sizes have the syntax of Docker's units package, which runc uses:
// 50M, 1.5g, 32kib, powers of 1024.

import { stringify } from '../config/json.ts'
import { RuntError } from '../errors.ts'

/** The member of linux.resources for each flag. */
const members = {
  'blkio-weight': ['blockIO', 'weight', 'number'],
  'cpu-period': ['cpu', 'period', 'number'],
  'cpu-quota': ['cpu', 'quota', 'number'],
  'cpu-burst': ['cpu', 'burst', 'number'],
  'cpu-share': ['cpu', 'shares', 'number'],
  'cpu-rt-period': ['cpu', 'realtimePeriod', 'number'],
  'cpu-rt-runtime': ['cpu', 'realtimeRuntime', 'number'],
  'cpu-idle': ['cpu', 'idle', 'number'],
  'cpuset-cpus': ['cpu', 'cpus', 'text'],
  'cpuset-mems': ['cpu', 'mems', 'text'],
  'kernel-memory': ['memory', 'kernel', 'size'],
  'kernel-memory-tcp': ['memory', 'kernelTCP', 'size'],
  memory: ['memory', 'limit', 'size'],
  'memory-reservation': ['memory', 'reservation', 'size'],
  'memory-swap': ['memory', 'swap', 'size'],
  'pids-limit': ['pids', 'limit', 'number'],
} as const satisfies Record<string, readonly [string, string, 'number' | 'size' | 'text']>

type LimitFlag = keyof typeof members
export type LimitFlags = { readonly [name in LimitFlag]: string | undefined }

/** A document like linux.resources, to be checked like that of `--resources`; undefined: no flag was given. */
export function resourcesOfFlags(flags: LimitFlags): string | undefined {
  const document: { [section: string]: { [member: string]: bigint | string } } = {}
  for (const [name, [section, member, kind]] of Object.entries(members)) {
    const text = flags[name as LimitFlag]
    if (text === undefined || text === '') continue
    document[section] = { ...document[section], [member]: readers[kind](name, text) }
  }
  return Object.keys(document).length === 0 ? undefined : stringify(document)
}

const readers = {
  text: (_name: string, text: string): string => text,
  number: (name: string, text: string): bigint => {
    if (/^[+-]?\d{1,20}$/.test(text)) return BigInt(text)
    throw new RuntError('usage', `--${name}: "${text}" is not an integer`)
  },
  size: readSize,
}

const UNITS = 'bkmgtp'

function readSize(name: string, text: string): bigint {
  if (text === '-1') return -1n
  const parts = /^(\d{1,19})(?:\.(\d{1,9}))? ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text)
  if (parts === null) throw new RuntError('usage', `--${name}: "${text}" is not a size such as 512k, 50M or 1.5g`)
  const [, whole = '', fraction = '', unit = 'b'] = parts
  const scale = 10n ** BigInt(fraction.length)
  const factor = 1024n ** BigInt(UNITS.indexOf(unit.toLowerCase()))
  return (BigInt(whole + fraction) * factor) / scale
}
