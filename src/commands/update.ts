// update (runc-update(8)): changes limits of a container, from flags or from a document in the form of linux.resources. All or
// nothing, as far as the kernel's files can be read back: what was written before a failure is put back. Nothing is frozen
// for it, so that a paused container stays paused and a running one running.

import { parseHierarchies } from '../cgroup/hierarchies.ts'
import { mergeResources, updateResources } from '../cgroup/merge-resources.ts'
import { planUpdate, type UpdatePlan } from '../cgroup/plan-update.ts'
import { ALLOW_ALL } from '../cgroup/v2/device-program.ts'
import type { Resources } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { parseConfig, parseResources } from '../config/parse-config.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native, StepReport } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import type { LaunchPlan, Step } from '../plan/launch-plan.ts'
import { createSlots } from '../plan/slots.ts'
import type { Container } from '../state/load-container.ts'
import { lockContainer } from '../state/lock-container.ts'
import { CONFIG_FILE, encodeRecord, STATE_FILE } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { isAlive } from '../state/status.ts'
import type { Run } from './context.ts'
import { type LimitFlags, resourcesOfFlags } from './update-flags.ts'

export const update: Run<'update'> = ({ native, globals }, flags, [id = '']) => {
  const change = readChange(native, flags)
  const container = lockContainer(native, stateRoot(native, globals.root).path, id)
  if (!isAlive(native, container.record)) throw new RuntError('state', 'container not running')
  const old = recordedResources(native, container)
  apply(native, container, withRecorded(old, change))
  const record = { ...container.record, resources: stringify(mergeResources(old, change)) }
  native.writeFileAtomic(`${container.directory}/${STATE_FILE}`, encodeRecord(record), 0o600)
  return 0
}

function readChange(native: Native, flags: LimitFlags & { readonly resources: string | undefined }): Resources {
  const { resources: file } = flags
  const fromFlags = resourcesOfFlags(flags)
  if (file === undefined || file === '') return parseResources(fromFlags ?? '{}', 'update')
  if (fromFlags !== undefined) throw new RuntError('usage', '--resources: no other flag may be given with it')
  try {
    return parseResources(native.readFile(file), file === '-' ? 'standard input' : file)
  } catch (error) {
    throw hostFailure(`--resources ${file}`, error)
  }
}

/** As earlier updates have left them, else the bundle's. */
function recordedResources(native: Native, { directory, record }: Container): Resources {
  if (record.resources !== undefined) return parseResources(record.resources, STATE_FILE)
  const path = `${directory}/${CONFIG_FILE}`
  try {
    return parseConfig(native.readFile(path), path).config.linux.resources
  } catch (error) {
    throw hostFailure(path, error)
  }
}

function withRecorded(old: Resources, change: Resources): Resources {
  const resources = updateResources(old, change)
  const checkBeforeUpdate = old.memory.checkBeforeUpdate || change.memory.checkBeforeUpdate
  return { ...resources, memory: { ...resources.memory, checkBeforeUpdate } }
}

function apply(native: Native, { record: { cgroups } }: Container, resources: Resources): void {
  const probe = native.probe()
  const slots = createSlots()
  const { memory, devices } = resources
  const isUnified = cgroups.memory === undefined && cgroups[''] !== undefined
  const { steps, deviceFilter } = planUpdate(
    {
      resources,
      paths: cgroups,
      rootless: probe.euid !== 0 || probe.inUserNamespace,
      ...(devices.length > 0 &&
        cgroups.devices !== undefined && { devicesList: native.readFile(`${cgroups.devices}/devices.list`) }),
      ...(memory.checkBeforeUpdate && isUnified && { usage: native.readFile(`${cgroups['']}/memory.current`) }),
    },
    parseHierarchies(probe),
    slots,
  )
  const runtimeSteps = deviceFilter === undefined ? steps : [...steps, attachStep(deviceFilter)]
  if (runtimeSteps.length === 0) return
  const before = presentValues(native, steps)
  const plan: LaunchPlan = { slots: slots.names, runtimeSteps, containerSteps: [] }
  const event = native.launch(plan, { preserveFds: 0 })
  if (event.kind !== 'failed') return
  restore(native, before)
  throw describeUpdateFailure(native, plan, event, cgroups)
}

/** The last step: it cannot be put back. */
function attachStep({ program, slot, from }: NonNullable<UpdatePlan['deviceFilter']>): Step {
  return { op: 'bpf_prog_attach', from, cgroup: slot, program: program ?? ALLOW_ALL, replace: 1 }
}

/** What is in the files to be written, in their order. Files of several lines, or that cannot be read, are left out. */
function presentValues(native: Native, steps: readonly Step[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const step of steps) {
    if ((step.op !== 'write_file' && step.op !== 'openat2') || values.has(step.path)) continue
    try {
      const value = native.readFile(step.path).trimEnd()
      if (value !== '' && !value.includes('\n')) values.set(step.path, value)
    } catch {
      // Devices lists, directories: nothing that could be put back.
    }
  }
  return values
}

function restore(native: Native, before: ReadonlyMap<string, string>): void {
  const files = [...before]
  // Twice: one limit may have to be there before another is possible, in an order that depends on how far we came.
  for (const [path, value] of [...files.toReversed(), ...files]) {
    try {
      native.writeFile(path, value, 0o644)
    } catch {
      // Refused in this order; or it never was changed.
    }
  }
}

/** The two usual mistakes, of which the kernel's errnos tell little. */
function describeUpdateFailure(
  native: Native,
  plan: LaunchPlan,
  report: StepReport,
  { memory }: { readonly [controller: string]: string },
): RuntError {
  const failure = describeFailure(plan, report)
  if (memory === undefined || failure.path !== 'linux.resources.memory.limit') return failure
  const present = (file: string): string => native.readFile(`${memory}/${file}`).trimEnd()
  const hints: { readonly [code: string]: () => string } = {
    EBUSY: () => `${present('memory.usage_in_bytes')} bytes are in use and cannot be reclaimed`,
    EINVAL: () => `the limit of memory and swap together is ${present('memory.memsw.limit_in_bytes')}`,
  }
  const hint = hints[report.code]
  return hint === undefined ? failure : new RuntError('kernel', `${failure.message}; ${hint()}`, { path: failure.path })
}
