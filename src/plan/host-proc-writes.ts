// linux.sysctl and writes to /proc/self if no procfs can be mounted (host-proc.ts).

import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import type { PlanContext } from './context.ts'
import { usesHostProc } from './host-proc.ts'
import { sysctlWrites } from './paths.ts'
import { procWrites } from './process.ts'

/**
 * Runs before the root is switched, after the hooks that may create network devices. Closes the slot before any name of
 * the image is resolved.
 */
export function hostProcWriteSteps(context: PlanContext): Step[] {
  if (!usesHostProc(context)) return []
  const proc = temporary('source')
  const writes = [...sysctlWrites(context, proc), ...procWrites(context, proc)]
  const [first] = writes
  if (first === undefined) return []
  const { from } = first
  const open: Step = {
    op: 'openat2',
    from,
    path: '/proc',
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    resolve: RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    expectFs: PROC_SUPER_MAGIC,
    into: proc,
  }
  return [open, ...writes, endSection(from)]
}
