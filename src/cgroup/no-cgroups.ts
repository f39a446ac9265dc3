// --cgroup-manager=disabled: no cgroup is created, joined or removed, and no limit is set.

import type { Resources } from '../config/config.ts'
import type { Problem } from '../errors.ts'
import { resourceWrites } from './controllers.ts'
import { deviceList } from './device-list.ts'
import { deviceRules } from './device-rules.ts'
import type { CgroupHost } from './hierarchies.ts'
import type { CgroupPlan } from './plan-cgroup.ts'

/** The container stays in the runtime's cgroups. */
export function noCgroups({ mode }: CgroupHost): CgroupPlan {
  return { mode, paths: {}, directories: [], runtimeSteps: [], containerSteps: [], inherit: [] }
}

/** The resources that then have no limit. Device rules are omitted: every config has some, and every update of Podman. */
export function unlimited(resources: Resources, host: CgroupHost): readonly string[] {
  const problems: Problem[] = []
  const writes = [...resourceWrites(resources, host, 'create', problems).values()].flatMap((share) => share.writes)
  return [...new Set([...writes.map(({ from }) => from), ...problems.map(({ path }) => path)])]
}

/** Whether the rules deny any device. A config without rules asks for none, although a container in a cgroup gets the default rules. */
export function deniesDevices({ devices }: Resources): boolean {
  if (devices.length === 0) return false
  const { allowByDefault, exceptions } = deviceList(deviceRules(devices), [])
  return !allowByDefault || exceptions.length > 0
}
