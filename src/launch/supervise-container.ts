// What `run` and `restore` share in the foreground: waiting for the container's process, forwarding signals and its
// terminal.

import { describeOom, oomEnd } from '../cgroup/oom-end.ts'
import type { Context } from '../cli/context.ts'
import { killInit } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import { readSetting } from '../state/read-setting.ts'
import type { ContainerRecord } from '../state/record.ts'
import { removeContainer } from './remove-container.ts'

/** 128 + SIGKILL: also the status of a shell whose command was killed. */
const KILLED = 137

/** Before the cgroups are removed: nobody else can tell a user why the container was killed. */
function tellOutOfMemory({ native, log }: Context, command: string, { id, cgroups }: ContainerRecord): void {
  const end = oomEnd(cgroups, (path) => readSetting(native, path))
  if (end !== undefined) log.error(`runt ${command} ${id}: ${describeOom(end)}`)
}

/**
 * If anything fails here, the container's process is killed: nothing would supervise it. `keep`: leaves the container
 * for `delete`.
 */
export function superviseContainer(
  context: Context,
  command: 'run' | 'restore',
  container: Container,
  end: 'remove' | 'keep',
  supervise: () => number,
): number {
  try {
    const status = supervise()
    if (status === KILLED) tellOutOfMemory(context, command, container.record)
    return status
  } catch (error) {
    killInit(context.native, container.record)
    throw error
  } finally {
    if (end === 'remove') removeContainer(context, container, 'spare')
  }
}
