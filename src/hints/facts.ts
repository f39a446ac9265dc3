// Small facts that several hints need, from /proc and the cgroup file systems of the host.

import { capabilityNames } from '../config/kernel-names.ts'
import { hostTable, isWithin, type MountLine } from '../host/mount-table.ts'
import type { Native } from '../native.ts'
import type { Failure } from './failure.ts'

/** The result; undefined if a fact could not be read. */
export function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

const LARGEST = 1 << 20

/** The text of a file of the host. */
export const textOf = (native: Native, path: string): string | undefined =>
  attempt(() => native.readFile(path, LARGEST).trim())

/** The names in a directory of the host. */
export const namesIn = (native: Native, path: string): readonly string[] =>
  attempt(() => native.readDirectory(path)) ?? []

/** A line of /proc/self/status, after its name. */
const statusLine = (native: Native, name: string): string | undefined =>
  textOf(native, '/proc/self/status')
    ?.split('\n')
    .find((line) => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim()

/** Whether the container has, or joins, a user namespace. */
export const isInUserNamespace = ({ config }: Failure): boolean =>
  config?.linux.namespaces.some(({ type }) => type === 'user') ?? false

/** Whether the runtime itself lacks this capability. undefined: unknown. */
export function isLacking(native: Native, capability: string): boolean | undefined {
  const effective = statusLine(native, 'CapEff')
  const bit = capabilityNames.indexOf(capability)
  if (effective === undefined || !/^[0-9a-f]+$/.test(effective) || bit < 0) return undefined
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 0n
}

/** The soft and the hard limit of a line of /proc/self/limits: `Max open files`. */
export function limitsOf(native: Native, name: string): { readonly soft: string; readonly hard: string } | undefined {
  const line = textOf(native, '/proc/self/limits')
    ?.split('\n')
    .find((text) => text.startsWith(name))
  const [soft, hard] = line?.slice(name.length).trim().split(/\s+/) ?? []
  return soft === undefined || hard === undefined ? undefined : { soft, hard }
}

/** The mounts of the runtime's mount namespace. */
export const mountsOf = (native: Native): readonly MountLine[] => attempt(() => hostTable(native)) ?? []

/** The mount that a path of the host without links is on: the topmost one at the deepest mount point above it. */
export const mountAt = (native: Native, path: string): MountLine | undefined =>
  mountsOf(native)
    .filter(({ point }) => isWithin(path, point))
    .reduce<MountLine | undefined>(
      (deepest, mount) => (deepest === undefined || mount.point.length >= deepest.point.length ? mount : deepest),
      undefined,
    )

export const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

/** The first directory or file on the way to an absolute path of the host that does not exist. */
export function firstMissing(native: Native, path: string): string | undefined {
  if (!path.startsWith('/')) return undefined
  let way = ''
  for (const name of path.split('/').filter((part) => part !== '')) {
    way += `/${name}`
    const isThere = attempt(() => native.status(way) !== undefined)
    if (isThere === undefined) return undefined
    if (!isThere) return way
  }
  return undefined
}

export const octal = (mode: number): string => `0${mode.toString(8)}`
