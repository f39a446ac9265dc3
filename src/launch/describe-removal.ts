// What `delete` would do, in words (`runt delete --plan`): remove-container.ts and commands/delete.ts do it.

import { type ContainerRecord, cgroupDirectories } from '../state/record.ts'
import type { Status } from '../state/status.ts'

/** One action a line, in the order in which they happen. */
export function removalLines(directory: string, record: ContainerRecord, status: Status): readonly string[] {
  const { pid, unit, hostMounts, rootfs, rdt, hooks } = record
  return [
    // Without a pid the creation was interrupted.
    ...(status === 'stopped' || pid === 0 ? [] : [`kill process ${pid}`]),
    ...cgroupDirectories(record).map((path) => `remove cgroup ${path}`),
    ...(rdt?.directories ?? []).map((path) => `remove class of service ${path}`),
    ...(unit === undefined ? [] : [`remove unit ${unit.name} of systemd`]),
    ...(hostMounts === undefined ? [] : [`unmount the container's mounts below ${rootfs}`]),
    ...hooks.poststop.map(({ path }, i) => `run hooks.poststop[${i}] (${path})`),
    `remove ${directory}`,
  ]
}
