// The working directory (config.md "Process", cwd): which step creates it, and with which credentials it is entered.

import type { Process } from '../config/config.ts'
import {
  EACCES,
  ELOOP,
  ENOTDIR,
  EPERM,
  EROFS,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../steps/constants.ts'
import { ON_MISSING_MKDIR, type Step, type StepOf } from '../steps/launch-plan.ts'
import { endSection, temporary } from '../steps/slots.ts'
import { isWeakened } from '../weaken.ts'
import type { PlanContext, ProcessContext } from './context.ts'

/**
 * The working directory is created if missing (as in runc, and like there not for `exec`) and must be inside the root
 * (CVE-2024-21626).
 */
export function cwdStep({ process, options }: ProcessContext): StepOf<'chdir'> {
  const step = {
    op: 'chdir',
    from: cwdFrom(process),
    path: process.cwd,
    resolve: RESOLVE_NO_MAGICLINKS,
    create: options.mode === 'exec' ? 0 : 1,
  } as const
  return hasOwnIds(process) ? { ...step, tolerate: [EACCES, EPERM] } : step
}

/** A second try as the user, for a directory that root may not enter: unmapped groups, NFS with root squash, FUSE. */
export const cwdAsUserSteps = (context: ProcessContext): Step[] =>
  hasOwnIds(context.process)
    ? [
        {
          op: 'chdir',
          from: cwdFrom(context.process),
          path: context.process.cwd,
          resolve: RESOLVE_NO_MAGICLINKS,
          again: 1,
        },
      ]
    : []

/**
 * Created while the root file system is still writable. chdir reports a directory that cannot be created, but not a path that leaves the
 * root: RESOLVE_IN_ROOT follows no magic link.
 */
export function makeCwdSteps({ process, shared }: PlanContext): Step[] {
  if (process.cwd === '/' || (RUNT_WEAKEN && isWeakened('made-cwd'))) return []
  const from = cwdFrom(process)
  return [
    {
      op: 'openat2',
      from,
      at: shared.root,
      path: process.cwd,
      flags: O_PATH | O_CLOEXEC,
      resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
      onMissing: ON_MISSING_MKDIR,
      into: temporary('target'),
      tolerate: [EACCES, EROFS, ELOOP, ENOTDIR],
    },
    endSection(from),
  ]
}

const cwdFrom = ({ cwd }: Process): string => `process.cwd (${cwd})`

/** Whether the process may enter directories that root before it could not. */
const hasOwnIds = ({ user: { uid, gid, additionalGids } }: Process): boolean =>
  uid !== 0 || gid !== 0 || additionalGids.length > 0
