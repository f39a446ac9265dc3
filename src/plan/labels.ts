// SELinux labels (config.md "Linux Process", config-linux.md "Mount Label") other than mount options: of the session
// keyring and of the runtime's own mounts. A policy denies a container the use of unlabelled objects.

import { errorAt } from '../errors.ts'
import { PROC_SUPER_MAGIC } from '../steps/constants.ts'
import type { Step } from '../steps/launch-plan.ts'
import type { PlanContext, ProcessContext } from './context.ts'

/** A label that is not enforced would promise confinement that does not exist. An empty label means none. */
export function refuseLabels({ process, linux, facts }: Pick<ProcessContext, 'process' | 'linux' | 'facts'>): void {
  if (facts.selinux) return
  const path = process.selinuxLabel ? 'process.selinuxLabel' : linux.mountLabel ? 'linux.mountLabel' : undefined
  if (path !== undefined)
    throw errorAt('host', path, 'SELinux is not enabled on this host; enable it, or remove the property')
}

/** The label for a tmpfs of the runtime; undefined if there is none. */
export const mountLabel = ({ linux, facts }: Pick<PlanContext, 'linux' | 'facts'>): string | undefined =>
  facts.selinux ? linux.mountLabel || undefined : undefined

/**
 * The session keyring is created with the label of the process, which could not search it otherwise. Written through the host's procfs
 * before any namespace is joined; the label survives fork(2) and is reset by the next execve(2).
 */
export function keyLabelSteps({ process, facts, options }: ProcessContext): Step[] {
  if (!process.selinuxLabel || !facts.selinux || options.keyring === 'keep') return []
  return [
    {
      op: 'write_file',
      from: 'process.selinuxLabel',
      path: '/proc/self/attr/keycreate',
      data: process.selinuxLabel,
      expectFs: PROC_SUPER_MAGIC,
    },
  ]
}

/** A message queue file system has no `context=` option for all of its files, but its directory can be labelled. */
export function directoryLabelSteps(context: PlanContext, from: string, type: string, mount: number): Step[] {
  const value = mountLabel(context)
  if (value === undefined || type !== 'mqueue') return []
  return [
    { op: 'fchdir', from, fd: mount },
    { op: 'setxattr', from, path: '.', name: 'security.selinux', value },
  ]
}
