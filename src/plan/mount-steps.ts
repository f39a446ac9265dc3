// What the planners of mounts share: opening a target below the root, changing a mount by its descriptor, and creating
// a detached mount of a file system.

import type { Mount } from '../config/config.ts'
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_MKDIR, type Step, type StepOf } from '../steps/launch-plan.ts'
import { temporary } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext } from './context.ts'
import { optionName } from './mount-data.ts'
import type { Attributes } from './mount-flags.ts'
import type { DataOption, MountOptions } from './mount-options.ts'

export interface PlannedMount {
  readonly mount: Mount
  readonly from: string
  readonly options: MountOptions
}

/** Opens the target below the root and creates it if needed. */
export function openTarget(
  context: PlanContext,
  from: string,
  path: string,
  how: Partial<Pick<StepOf<'openat2'>, 'at' | 'onMissing' | 'like' | 'resolve' | 'flags' | 'refuseProc'>>,
): StepOf<'openat2'> {
  const {
    at = context.shared.root,
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    onMissing = ON_MISSING_MKDIR,
    flags = O_PATH | O_CLOEXEC,
    like,
    refuseProc,
  } = how
  const into = temporary('target')
  // Properties are listed one by one because plans have dozens of these, and spreading an object is slower.
  return { op: 'openat2', from, at, path, flags, resolve, onMissing, into, like, refuseProc }
}

/** 1 if the mount's target must not be on procfs. config/rules/mounts.ts checks targets that name /proc itself. */
export const refuseProc = ({ type, source = '' }: Pick<Mount, 'type' | 'source'>): 1 | undefined => {
  if (RUNT_WEAKEN && isWeakened('proc-covered')) return undefined
  return type === 'proc' || source === '/proc' || source.startsWith('/proc/') ? undefined : 1
}

/** Sets attributes of a mount, its own and the recursive ones. */
export function attributeSteps(from: string, fd: number, own: Attributes, recursive: Attributes): Step[] {
  const steps: Step[] = []
  if (own.set !== 0 || own.clear !== 0) steps.push({ op: 'mount_setattr', from, fd, ...own })
  if (recursive.set !== 0 || recursive.clear !== 0)
    steps.push({ op: 'mount_setattr', from, fd, flags: AT_RECURSIVE, ...recursive })
  return steps
}

export const propagationSteps = (from: string, fd: number, { propagation }: MountOptions): Step[] =>
  propagation.map(({ flag, recursive }) => ({
    op: 'mount_setattr',
    from,
    fd,
    flags: recursive ? AT_RECURSIVE : 0,
    propagation: flag,
  }))

/** One fsconfig(2) for each option of a file system. */
export const dataSteps = (mount: string, fs: number, data: readonly DataOption[]): Step[] =>
  data.map(({ text, index }) => {
    const from = optionName(mount, index)
    const equals = text.indexOf('=')
    if (equals < 0) return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_FLAG, key: text }
    const [key, value] = [text.slice(0, equals), text.slice(equals + 1)]
    return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key, value }
  })

/** Unlike the text of mount(8), fsconfig(2) takes no quotes. */
const labelStep = (from: string, fs: number, value: string): Step => ({
  op: 'fsconfig',
  from,
  fs,
  command: FSCONFIG_SET_STRING,
  key: 'context',
  value,
})

/** Creates a detached mount of a file system; its descriptor is in `into`. */
export function detachedMountSteps(planned: {
  from: string
  type: string
  source: string
  data: readonly DataOption[]
  attributes: number
  into: number
  /** The SELinux label of all of its files. */
  label?: string | undefined
}): Step[] {
  const { from, type, source, into, label } = planned
  const fs = temporary('fs')
  const named: Step[] =
    source === '' ? [] : [{ op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key: 'source', value: source }]
  return [
    { op: 'fsopen', from, fstype: type, into: fs },
    ...named,
    ...dataSteps(from, fs, planned.data),
    ...(label === undefined ? [] : [labelStep(from, fs, label)]),
    { op: 'fsconfig', from, fs, command: FSCONFIG_CMD_CREATE },
    { op: 'fsmount', from, fs, attributes: planned.attributes, into },
  ]
}
