/*
 * The cgroups of a running container as the host sees them, on v1 and v2: their directories, the names and contents of
 * limit files, freezing. The names are the kernel's (cgroup-v1/, cgroup-v2.rst), not the runtime's.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cgroupMounts } from './census.ts'
import { needsController } from './requires.ts'
import { until } from './scenario.ts'

/** The directory of a process's cgroup with the controller, in its v1 hierarchy or in the v2 hierarchy. */
export function cgroupOf(pid: number | undefined, controller: string): string {
  const mounts = cgroupMounts()
  const v1 = mounts.find((mount) => mount.controllers.split(',').includes(controller))
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (v1 !== undefined && controllers.split(',').includes(controller)) return join(v1.dir, path)
    if (v1 === undefined && line.startsWith('0::')) {
      return join(mounts.find((mount) => mount.controllers === '')?.dir ?? '', path)
    }
  }
  throw new Error(`process ${pid} is in no cgroup for ${controller}`)
}

/**
 * The lines of /proc/PID/cgroup whose hierarchy is mounted. The others cannot be reached: a v1 hierarchy that was
 * unmounted while it had a cgroup still exists.
 */
export function reachableCgroups(lines: readonly string[]): string[] {
  const mounted = cgroupMounts().map(({ controllers }) => controllers)
  return lines.filter((line) => mounted.includes(/^\d+:([^:]*):/.exec(line)?.[1] ?? 'none'))
}

/** The mount point of the hierarchy with the controller: v1's, or v2's. */
export function cgroupRoot(controller: string): string {
  const mounts = cgroupMounts()
  const found = mounts.find(({ controllers }) => controllers.split(',').includes(controller))
  return (found ?? mounts.find(({ controllers }) => controllers === ''))?.dir ?? ''
}

/** A pids limit for `linux.resources`, if there is a controller for it; the tests' containers also work without. */
export const pidsUpTo = (limit: number): { readonly pids?: { readonly limit: number } } =>
  needsController('pids') === false ? { pids: { limit } } : {}

/** The block device under the scratch directory, as a throttle names it: the disk, not its partition. */
export const disk = ((): { readonly major: number; readonly minor: number } | undefined => {
  const { dev } = statSync(tmpdir())
  const own = `/sys/dev/block/${(dev >> 8) & 0xfff}:${dev & 0xff}`
  for (const path of [`${own}/../dev`, `${own}/dev`]) {
    if (!existsSync(path)) continue
    const [major = 0, minor = 0] = readFileSync(path, 'utf8').trim().split(':').map(Number)
    return { major, minor }
  }
  return undefined
})()

/** Freezes a container and waits until it is, or thaws it. */
export async function setFrozen(pid: number | undefined, state: 'FROZEN' | 'THAWED'): Promise<void> {
  const dir = cgroupOf(pid, 'freezer')
  if (existsSync(join(dir, 'cgroup.freeze'))) {
    writeFileSync(join(dir, 'cgroup.freeze'), state === 'FROZEN' ? '1' : '0')
    const wanted = `frozen ${state === 'FROZEN' ? 1 : 0}`
    await until(() => readFileSync(join(dir, 'cgroup.events'), 'utf8').includes(wanted), wanted)
    return
  }
  writeFileSync(join(dir, 'freezer.state'), state)
  await until(() => readFileSync(join(dir, 'freezer.state'), 'utf8') === `${state}\n`, state)
}
