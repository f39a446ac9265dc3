// update (runc-update(8)): changes limits of a container, from flags or from a document like linux.resources. All or
// nothing, as far as the kernel's files can be read: values written before a failure are restored. Does not freeze the
// container, so a paused one stays paused and a running one running.

import { parseHierarchies } from '../cgroup/hierarchies.ts'
import { mergeResources, updateResources } from '../cgroup/merge-resources.ts'
import { unlimited } from '../cgroup/no-cgroups.ts'
import { planUpdate, type UpdatePlan } from '../cgroup/plan-update.ts'
import { undoWrite } from '../cgroup/undo-write.ts'
import { ALLOW_ALL } from '../cgroup/v2/device-program.ts'
import { type Run, STDOUT } from '../cli/context.ts'
import type { Resources } from '../config/config.ts'
import { stringify } from '../config/json.ts'
import { parseResources } from '../config/parse-config.ts'
import { hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import { savedConfig } from '../launch/load-bundle.ts'
import type { Native, StepReport } from '../native.ts'
import { describeFailure } from '../plan/describe.ts'
import { isUnprivileged } from '../plan/host-facts.ts'
import { printPlan } from '../plan/print.ts'
import type { Container } from '../state/load-container.ts'
import { withContainer } from '../state/lock-container.ts'
import { type ContainerRecord, encodeRecord, requireCgroups, STATE_FILE } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { isAlive } from '../state/status.ts'
import { updateUnit } from '../state/update-unit.ts'
import type { LaunchPlan, Step } from '../steps/launch-plan.ts'
import { createSlots } from '../steps/slots.ts'
import { type LimitFlags, resourcesOfFlags } from './update-flags.ts'
import { planRdtChange, type RdtChange, undoRdtChange } from './update-rdt.ts'

export const update: Run<'update'> = ({ native, globals }, flags, [id = '']) => {
  const change = readChange(native, flags)
  return withContainer(native, stateRoot(native, globals.root).path, id, (container) => {
    if (!isAlive(native, container.record)) throw new RuntError('state', 'container not running')
    if (flags.resources || resourcesOfFlags(flags) !== undefined)
      requireCgroups(container.record, () => unlimited(change, parseHierarchies(native.probe())))
    const old = recordedResources(native, container)
    const rdt = planRdtChange(native, container.record, flags)
    const planned = planChange(native, container, withRecorded(old, change), rdt)
    if (flags.plan) {
      native.write(STDOUT, printPlan(planned.plan))
      return 0
    }
    const resources = stringify(mergeResources(old, change))
    recordWhile(native, container, { ...container.record, resources, ...(rdt && { rdt: rdt.rdt }) }, () =>
      apply(native, container, old, planned, rdt),
    )
    return 0
  })
}

/** Writes the record first: if that fails, nothing has been changed. */
function recordWhile(native: Native, before: Container, after: ContainerRecord, action: () => void): void {
  const write = (record: ContainerRecord): void =>
    native.writeFileAtomic(`${before.directory}/${STATE_FILE}`, encodeRecord(record), 0o600)
  write(after)
  try {
    action()
  } catch (error) {
    write(before.record)
    throw error
  }
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

/** The resources after earlier updates, else the bundle's. */
function recordedResources(native: Native, { directory, record }: Container): Resources {
  if (record.resources !== undefined) return parseResources(record.resources, STATE_FILE)
  return savedConfig(native, directory).linux.resources
}

function withRecorded(old: Resources, change: Resources): Resources {
  const resources = updateResources(old, change)
  const checkBeforeUpdate = old.memory.checkBeforeUpdate || change.memory.checkBeforeUpdate
  return { ...resources, memory: { ...resources.memory, checkBeforeUpdate } }
}

interface PlannedChange {
  readonly plan: LaunchPlan
  /** The limits as they will be. */
  readonly resources: Resources
  readonly version: 'v1' | 'v2'
}

function planChange(
  native: Native,
  { record: { cgroups } }: Container,
  resources: Resources,
  rdt: RdtChange | undefined,
): PlannedChange {
  const probe = native.probe()
  const host = parseHierarchies(probe)
  const slots = createSlots()
  const { memory, devices } = resources
  const rootless = isUnprivileged(probe)
  const isUnified = cgroups.memory === undefined && cgroups[''] !== undefined
  const { steps: planned, deviceFilter } = planUpdate(
    {
      resources,
      paths: cgroups,
      rootless,
      ...(devices.length > 0 &&
        !rootless &&
        cgroups.devices !== undefined && { devicesList: native.readFile(`${cgroups.devices}/devices.list`) }),
      ...(memory.checkBeforeUpdate && isUnified && { usage: native.readFile(`${cgroups['']}/memory.current`) }),
    },
    host,
    slots,
  )
  const steps = [...planned, ...(rdt?.steps ?? [])]
  const runtimeSteps = deviceFilter === undefined ? steps : [...steps, attachStep(deviceFilter)]
  const version = host.mode === 'v2' ? 'v2' : 'v1'
  return { plan: { slots: slots.names, runtimeSteps, containerSteps: [] }, resources, version }
}

function apply(
  native: Native,
  { record: { cgroups, unit } }: Container,
  old: Resources,
  { plan, resources, version }: PlannedChange,
  rdt: RdtChange | undefined,
): void {
  if (plan.runtimeSteps.length === 0) return
  const undo = undoSteps(native, plan.runtimeSteps)
  // systemd first: it writes its properties to the same files, rounded.
  const undoUnit = unit && updateUnit(native, unit, version, old, resources)
  const event = native.launch(plan)
  if (event.kind !== 'failed') return
  undoUnit?.()
  restore(native, undo)
  if (rdt !== undefined) undoRdtChange(native, rdt)
  throw describeUpdateFailure(native, plan, event, cgroups)
}

/** The last step, because it cannot be undone. */
function attachStep({ program, slot, from }: NonNullable<UpdatePlan['deviceFilter']>): Step {
  return { op: 'bpf_prog_attach', from, cgroup: slot, program: program ?? ALLOW_ALL, replace: 1 }
}

type Undo = readonly [path: string, data: string]

/** Reads the current values, in the order of the writes, to restore them. */
function undoSteps(native: Native, steps: readonly Step[]): readonly Undo[] {
  const opened = new Map<number, string>()
  const undo: Undo[] = []
  for (const step of steps) {
    if (step.op === 'openat2') opened.set(step.into, step.path)
    if (step.op !== 'write_file' && step.op !== 'write') continue
    const path = step.op === 'write' ? opened.get(step.fd) : step.path
    const before = path === undefined ? undefined : undoWrite(step.data, readPresent(native, path))
    if (path !== undefined && before !== undefined) undo.push([path, before])
  }
  return undo
}

/** Device lists cannot be read. */
function readPresent(native: Native, path: string): string {
  try {
    return native.readFile(path)
  } catch {
    return ''
  }
}

function restore(native: Native, undo: readonly Undo[]): void {
  // In both directions: restoring one limit may require another one first, and the order depends on where the update
  // failed.
  for (const [path, value] of [...undo.toReversed(), ...undo]) {
    try {
      native.writeFile(path, value, 0o644)
    } catch {
      // refused in this order, or it was never changed
    }
  }
}

/** --rootless: without permissions a container may have fewer cgroups than its record lists. */
function isWithoutCgroup(native: Native, step: Step | undefined): boolean {
  if (step === undefined || !('path' in step) || step.path === undefined) return false
  return !native.exists(step.path.slice(0, step.path.lastIndexOf('/')))
}

/** Explains the two most frequent mistakes, for which the kernel's errno says little. */
function describeUpdateFailure(
  native: Native,
  plan: LaunchPlan,
  report: StepReport,
  { memory }: { readonly [controller: string]: string },
): RuntError {
  const failure = describeFailure(plan, report)
  if (report.code === 'ENOENT' && isWithoutCgroup(native, plan.runtimeSteps[report.step])) {
    const reason = 'the container has no cgroup there: whoever created it lacked the permission'
    return new RuntError(
      'host',
      `${failure.message}; ${reason}`,
      failure.path === undefined ? {} : { path: failure.path },
    )
  }
  if (memory === undefined || failure.path !== 'linux.resources.memory.limit') return failure
  const present = (file: string): string => native.readFile(`${memory}/${file}`).trimEnd()
  const hints: { readonly [code: string]: () => string } = {
    EBUSY: () => `${present('memory.usage_in_bytes')} bytes are in use and cannot be reclaimed`,
    EINVAL: () => `the limit of memory and swap together is ${present('memory.memsw.limit_in_bytes')}`,
  }
  const hint = hints[report.code]
  return hint === undefined ? failure : new RuntError('kernel', `${failure.message}; ${hint()}`, { path: failure.path })
}
