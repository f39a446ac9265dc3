// How `exec` enters a container: the cgroups into which systemd moves it, the namespaces of its first process, and its
// terminal, which belongs to the container's devpts.

import type { JoinPlan } from '../cgroup/plan-join.ts'
import type { NamespaceType } from '../config/config.ts'
import {
  DEVPTS_SUPER_MAGIC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../steps/constants.ts'
import { type Step, SYNC_CGROUPS } from '../steps/launch-plan.ts'
import type { ProcessContext, SectionSteps } from './context.ts'
import { becomeRoot, dropGroups, mayDenyGroups, namespaceFlags } from './namespaces.ts'
import type { ExecTarget } from './plan-exec.ts'
import { ptySteps } from './terminal.ts'

/** Before the process joins anything: systemd can only move a process it can see. */
export function attachSteps({ attach }: JoinPlan): SectionSteps {
  if (attach === undefined) return { runtime: [], container: [] }
  const from = '--cgroup'
  return {
    runtime: [
      { op: 'attach_unit', from, ...attach },
      { op: 'sync_send', from, point: SYNC_CGROUPS },
    ],
    container: [{ op: 'sync_wait', from, point: SYNC_CGROUPS }],
  }
}

export interface Joined {
  readonly runtime: readonly Step[]
  readonly container: readonly Step[]
  readonly fork: readonly Step[]
}

/** One setns(2) for all namespaces. Without a mount namespace the container's root was set with chroot(2). */
export function joinSteps(
  { config, linux, slots, facts }: ProcessContext,
  target: ExecTarget,
  types: readonly NamespaceType[],
): Joined {
  const from = 'linux.namespaces'
  const [pidfd, root] = [slots.allocate('init'), slots.allocate('root')]
  const runtime: Step[] = []
  const container: Step[] = []
  const hasMounts = types.includes('mount')
  // Opened before the pidfd, which verifies that the process is still the container's.
  if (!hasMounts) {
    const path = `/proc/${target.pid}/root`
    runtime.push({ op: 'openat2', from: 'root.path', path, flags: O_PATH | O_DIRECTORY | O_CLOEXEC, into: root })
  }
  runtime.push({ op: 'pidfd_open', from: 'init', pid: target.pid, startTime: target.startTime, into: pidfd })
  const nstype = types.reduce((flags, type) => flags | namespaceFlags[type], 0)
  if (types.includes('user') && mayDenyGroups(linux)) container.push(...dropGroups({ config, facts }))
  if (nstype !== 0) container.push({ op: 'setns', from, fd: pidfd, nstype })
  if (!hasMounts)
    container.push({ op: 'fchdir', from: 'root.path', fd: root }, { op: 'chroot', from: 'root.path', path: '.' })
  if (types.includes('user')) container.push(...becomeRoot(linux))
  container.push({ op: 'close', from, slots: hasMounts ? [pidfd] : [pidfd, root] })
  const fork: Step[] = types.includes('pid') ? [{ op: 'fork', from: 'linux.namespaces (pid)' }] : []
  return { runtime, container, fork }
}

/** The terminal is one of the container's own devpts. Its processes may have replaced that path. */
export function terminalSteps(context: ProcessContext) {
  if (!context.process.terminal) return ptySteps(context, undefined, () => [])
  const devpts = context.slots.allocate('devpts')
  const pty = ptySteps(context, devpts, () => [])
  const open: Step = {
    op: 'openat2',
    from: 'process.terminal',
    path: '/dev/pts',
    flags: O_PATH | O_DIRECTORY | O_CLOEXEC,
    resolve: RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
    expectFs: DEVPTS_SUPER_MAGIC,
    into: devpts,
  }
  return { ...pty, container: [open, ...pty.container] }
}
