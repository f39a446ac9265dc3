// mounts (config.md "Mounts"): each entry becomes a detached mount that is attached once it is complete, so no process
// sees it half configured. Targets are resolved inside the root and used by descriptor; sources are host paths.

import type { Mount } from '../config/config.ts'
import { RuntError } from '../errors.ts'
import { FSCONFIG_CMD_RECONFIGURE } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import { bindSteps } from './bind-mounts.ts'
import { planCgroupMount } from './cgroup-mount.ts'
import type { PlanContext, SectionSteps } from './context.ts'
import { deviceMountSteps, fileSystemSteps, isOnDevice } from './file-systems.ts'
import { isIdMapped } from './id-mapped-mounts.ts'
import { refuseLong, splitData } from './mount-data.ts'
import { changedAttributes } from './mount-flags.ts'
import { checkLinks, copiedLinkSteps } from './mount-links.ts'
import { isSuperblockFlag, readMountOptions } from './mount-options.ts'
import {
  attributeSteps,
  dataSteps,
  openTarget,
  type PlannedMount,
  propagationSteps,
  refuseProc,
} from './mount-steps.ts'
import { forgetCovered } from './own-mounts.ts'

/** All mounts in the order of the config. Fills shared.proc, shared.dev and shared.devpts. */
export function mountSteps(context: PlanContext): SectionSteps {
  const runtime: Step[] = []
  const container: Step[] = []
  context.config.mounts.forEach((mount, index) => {
    const planned = describeMount(mount, index)
    if (!planned.options.remount) forgetCovered(context, mount.destination)
    const part = planMount(context, planned, index)
    runtime.push(...part.runtime)
    container.push(...part.container, endSection(planned.from))
  })
  return { runtime, container }
}

const isBindMount = ({ mount, options }: Pick<PlannedMount, 'mount' | 'options'>): boolean =>
  options.bind !== 'no' || mount.type === 'bind'

function describeMount(mount: Mount, index: number): PlannedMount {
  const options = readMountOptions(mount.options)
  const type = mount.type === 'none' ? undefined : mount.type
  const what = isBindMount({ mount, options }) ? (mount.source ?? 'bind') : (type ?? mount.source ?? 'none')
  return { mount, from: `mounts[${index}] (${what} at ${mount.destination})`, options }
}

function planMount(context: PlanContext, planned: PlannedMount, index: number): SectionSteps {
  const { mount, options } = planned
  const isBind = isBindMount(planned)
  if (isIdMapped(planned) && (!isBind || options.remount))
    throw new RuntError('config', `${planned.from}: only bind mounts can be id-mapped`, { path: `mounts[${index}]` })
  if (options.links.length > 0) checkLinks(planned, index)
  if (options.remount) return { runtime: [], container: remountSteps(context, planned) }
  if (isBind) {
    const unused = options.data.filter(({ text }) => !isSuperblockFlag(text)).map(({ text }) => text)
    if (unused.length > 0) context.warnings.push(`${planned.from}: ignored for a bind mount: ${unused.join(',')}`)
    return copiedLinkSteps(context, planned) ?? bindSteps(context, planned)
  }
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return planCgroupMount(context, planned)
  if (isOnDevice(planned)) return deviceMountSteps(context, planned)
  return { runtime: [], container: fileSystemSteps(context, planned) }
}

/** Changes only what the options name; with `bind` they apply to the mount, not the file system, as in mount(8). */
function remountSteps(context: PlanContext, { mount, from, options }: PlannedMount): Step[] {
  // What the config names on procfs is there by its own mounts. A link of the image leads to another mount than is meant.
  const target = openTarget(context, from, mount.destination, { onMissing: 0, refuseProc: refuseProc(mount) })
  const fs = temporary('fs')
  const data = options.bind === 'no' ? splitData(mount.type ?? '', options.data) : []
  refuseLong(from, data)
  const reconfigure: Step[] =
    data.length === 0
      ? []
      : [
          { op: 'fspick', from, mount: target.into, into: fs },
          ...dataSteps(from, fs, data),
          { op: 'fsconfig', from, fs, command: FSCONFIG_CMD_RECONFIGURE },
        ]
  return [
    target,
    ...reconfigure,
    ...attributeSteps(from, target.into, changedAttributes(options.flags), changedAttributes(options.recursiveFlags)),
    ...propagationSteps(from, target.into, options),
  ]
}
