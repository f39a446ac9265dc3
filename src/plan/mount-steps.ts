// What the planners of mounts have in common: opening a target below the root, changing a mount by its descriptor, and making a
// mount of a file system that is attached nowhere yet. Which mounts there are is decided in mounts.ts and its neighbours.

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
} from './constants.ts'
import type { PlanContext } from './context.ts'
import { ON_MISSING_MKDIR, type Step, type StepOf } from './launch-plan.ts'
import type { Attributes, MountOptions } from './mount-options.ts'
import { temporary } from './slots.ts'

export interface PlannedMount {
  readonly mount: Mount
  readonly from: string
  readonly options: MountOptions
}

/** Open the target below the root, making it as needed. */
export function openTarget(
  context: PlanContext,
  from: string,
  path: string,
  how: Partial<Pick<StepOf<'openat2'>, 'at' | 'onMissing' | 'like' | 'resolve'>>,
): StepOf<'openat2'> {
  const {
    at = context.shared.root,
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    onMissing = ON_MISSING_MKDIR,
    like,
  } = how
  const into = temporary('target')
  // Named one by one, as elsewhere in what a plan has dozens of: to spread an object costs more than to make it.
  return { op: 'openat2', from, at, path, flags: O_PATH | O_CLOEXEC, resolve, onMissing, into, like }
}

/** Attributes of a mount, for itself and for all below it. */
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
export const dataSteps = (from: string, fs: number, data: readonly string[]): Step[] =>
  data.map((option) => {
    const equals = option.indexOf('=')
    if (equals < 0) return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_FLAG, key: option }
    const [key, value] = [option.slice(0, equals), option.slice(equals + 1)]
    return { op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key, value }
  })

/** Make a detached mount of a file system; the descriptor ends up in `into`. */
export function detachedMountSteps(planned: {
  from: string
  type: string
  source: string
  data: readonly string[]
  attributes: number
  into: number
}): Step[] {
  const { from, type, source, into } = planned
  const fs = temporary('fs')
  const named: Step[] =
    source === '' ? [] : [{ op: 'fsconfig', from, fs, command: FSCONFIG_SET_STRING, key: 'source', value: source }]
  return [
    { op: 'fsopen', from, fstype: type, into: fs },
    ...named,
    ...dataSteps(from, fs, planned.data),
    { op: 'fsconfig', from, fs, command: FSCONFIG_CMD_CREATE },
    { op: 'fsmount', from, fs, attributes: planned.attributes, into },
  ]
}
