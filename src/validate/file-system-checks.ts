// mounts that are not bind mounts: types that this kernel has, and options and devices that it takes.

import { hasNamespace } from '../config/has-namespace.ts'
import { quote } from '../config/rule.ts'
import { errnoPhrase } from '../errno.ts'
import { withPath } from '../host/open-path.ts'
import type { Native } from '../native.ts'
import { isUnprivileged } from '../plan/host-facts.ts'
import { suggestOption } from '../plan/known-options.ts'
import { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING } from '../steps/constants.ts'
import type { Step, StepOf } from '../steps/launch-plan.ts'
import { suggest } from '../suggest.ts'
import { type HostCheck, type HostContext, kindOf, mayMountAsInit, propertyOf } from './check.ts'
import { isBind } from './mount-checks.ts'

export const checkTypes: HostCheck = (context) => {
  const { native, config, report } = context
  const types = fileSystems(native)
  for (const [i, mount] of config.mounts.entries()) {
    const { type, source = '', options } = mount
    if (isBind(mount) || options.includes('remount') || type === 'cgroup') continue
    if (type === undefined) {
      report(`mounts[${i}].type`, 'is required without the option "bind" or "rbind"')
      continue
    }
    const [name = ''] = type.split('.', 1)
    const needsDevice = types.get(name)
    if (needsDevice) checkDevice(context, i, type, source)
    if (needsDevice !== undefined || isModule(native, name)) continue
    const meant = suggest(type, ['bind', ...types.keys()])
    report(`mounts[${i}].type`, `the kernel does not have the file system ${quote(type)}`, meant)
  }
}

/** Those that the kernel has now, and whether they need a block device: filesystems(5). */
function fileSystems(native: Native): ReadonlyMap<string, boolean> {
  const lines = native.readFile('/proc/filesystems').split('\n')
  return new Map(lines.map((line) => [line.slice(line.indexOf('\t') + 1), !line.startsWith('nodev')]))
}

function checkDevice(
  { native, config, facts, report }: HostContext,
  index: number,
  type: string,
  source: string,
): void {
  // The runtime mounts those of devices, init the others.
  const isInside = hasNamespace(config.linux, 'user') && !source.startsWith('/dev/')
  if ((isUnprivileged(facts) || isInside) && !type.startsWith('fuse'))
    report(`mounts[${index}].type`, `${type} cannot be mounted in a user namespace`)
  if (!source.startsWith('/dev/')) return
  const opened = withPath(native, { path: source }, (fd) => kindOf(native, fd))
  const path = `mounts[${index}].source`
  if ('code' in opened) report(path, `${quote(source)}: ${errnoPhrase(opened.code)}`)
  else if (opened.value !== 'block') report(path, `${quote(source)} is not a block device`)
}

function isModule(native: Native, name: string): boolean {
  try {
    const { kernel } = native.probe()
    return native.readFile(`/lib/modules/${kernel}/modules.alias`).includes(`alias fs-${name} `)
  } catch {
    return false
  }
}

/** Asks the kernel about each option, with fsconfig(2) on a file system that is never made. */
export const checkFileSystemOptions: HostCheck = (context) => {
  if (context.planned === undefined || !mayMountAsInit(context)) return
  const { runtimeSteps, containerSteps } = context.planned.plan
  const steps = [...runtimeSteps, ...containerSteps]
  const types = fileSystems(context.native)
  for (const [i, step] of steps.entries()) {
    // fsopen(2) of another type would load its module.
    if (step.op !== 'fsopen' || !step.from.startsWith('mounts[') || !types.has(step.fstype)) continue
    const end = steps.findIndex((other, j) => j > i && other.op !== 'fsconfig')
    askKernel(context, step, steps.slice(i + 1, end < 0 ? steps.length : end).filter(isSetting))
  }
}

const isSetting = (step: Step): step is StepOf<'fsconfig'> =>
  step.op === 'fsconfig' &&
  step.modeOf === undefined &&
  (step.command === FSCONFIG_SET_FLAG || step.command === FSCONFIG_SET_STRING)

const FS = 1

function askKernel({ native, report }: HostContext, open: StepOf<'fsopen'>, settings: StepOf<'fsconfig'>[]): void {
  const asked = settings.map((step): Step => ({ ...step, fs: FS }))
  while (asked.length > 0) {
    const close: Step = { op: 'close', from: open.from, slots: [FS] }
    const runtimeSteps: Step[] = [{ ...open, into: FS }, ...asked, close]
    const event = native.launch({ slots: ['sync', 'fs'], runtimeSteps, containerSteps: [] })
    if (event.kind !== 'failed' || event.step === 0) return
    const [failed] = asked.splice(event.step - 1, 1) as StepOf<'fsconfig'>[]
    const { from, key = '', value } = failed as StepOf<'fsconfig'>
    const detail = event.detail === '' ? '' : `: ${event.detail}`
    const option = value === undefined ? key : `${key}=${value}`
    const meant = detail.includes('Unknown parameter') ? suggestOption(key, open.fstype) : undefined
    report(propertyOf(from), `${quote(option)}: ${errnoPhrase(event.code)}${detail}`, meant)
  }
}
