// Finds the holder of a container's lock (state/lock.ts) through the kernel (proc_locks(5), proc_pid_fdinfo(5)). Only
// if the lock is not free in time.

import { attempt } from '../errors.ts'
import type { Native } from '../native.ts'

export interface Holder {
  readonly pid: number
  readonly startTime: string
  /** Its command line, or its name. */
  readonly command: string
  /**
   * `runtime`: it runs the same program as this process. `host`: so does it, but that is Node, which may run other
   * code.
   */
  readonly kind: 'runtime' | 'host' | 'other'
}

const LONGEST_COMMAND = 120

/** undefined: nobody, or a process that is not visible here. */
export function lockHolder(native: Native, directory: string): Holder | undefined {
  const inode = native.status(directory)?.inode
  const path = inode === undefined ? undefined : attempt(() => native.realpath(directory))
  if (path === undefined) return undefined
  for (const line of (attempt(() => native.readFile('/proc/locks')) ?? '').split('\n')) {
    // `7: FLOCK  ADVISORY  WRITE 4711 00:1a:12345 0 EOF`; a waiting process has `->` after the number.
    const [, kind, , , pid, file] = line.split(/ +/)
    if (kind !== 'FLOCK' || !file?.endsWith(`:${inode}`)) continue
    const status = attempt(() => native.processStatus(Number(pid)))
    // Another file system may have the same inode number, so check the process's descriptors.
    if (status === undefined || !holds(native, Number(pid), path)) continue
    return {
      pid: Number(pid),
      startTime: status.startTime,
      command: commandOf(native, Number(pid)) || status.comm,
      kind: kindOf(native, Number(pid)),
    }
  }
  return undefined
}

/** For a message. */
export function describeHolder(holder: Holder | undefined): string {
  return holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`
}

function holds(native: Native, pid: number, path: string): boolean {
  const descriptors = attempt(() => native.readDirectory(`/proc/${pid}/fd`)) ?? []
  return descriptors.some(
    (fd) =>
      attempt(() => native.readLink(`/proc/${pid}/fd/${fd}`)) === path &&
      attempt(() => native.readFile(`/proc/${pid}/fdinfo/${fd}`))?.includes('FLOCK'),
  )
}

function kindOf(native: Native, pid: number): Holder['kind'] {
  const program = (of: string) => attempt(() => native.readLink(`/proc/${of}/exe`))?.replace(/ \(deleted\)$/, '')
  const own = program('self')
  if (own === undefined || own !== program(String(pid))) return 'other'
  return /\/node(js)?$/.test(own) ? 'host' : 'runtime'
}

function commandOf(native: Native, pid: number): string {
  const text = attempt(() => native.readFile(`/proc/${pid}/cmdline`)) ?? ''
  const words = text.replace(/[\s\0]+/g, ' ').trim()
  return words.length > LONGEST_COMMAND ? `${words.slice(0, LONGEST_COMMAND)}…` : words
}
