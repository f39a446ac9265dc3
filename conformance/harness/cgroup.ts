/*
 * The cgroups of a running container as the host sees them, on v1 and v2 alike: where they are, what a limit's file is
 * called and holds, freezing. The names are the kernel's (cgroup-v1/, cgroup-v2.rst), not the runtime's.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupMounts } from './census.ts'
import { until } from './scenario.ts'

/** The directory of a process's cgroup that has the controller, in its v1 hierarchy or in the v2 tree. */
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
