// What `delete` and the end of `run` have in common (runtime.md, "delete", and the end of the lifecycle): cgroups, poststop
// hooks, state, in this order. The state goes last, so that a `delete` that was killed in a hook can be repeated.

import { destroyCgroups } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import { CGROUP_LINK } from '../state/record.ts'
import type { Context } from './context.ts'

/** Removes what is left of a container whose init has ended. */
export async function removeContainer(context: Context, { directory, record }: Container): Promise<void> {
  destroyCgroups(context.native, record)
  if (record.hooks.poststop.length > 0) {
    const { runHooks } = await import('./run-hooks.ts')
    // "If any poststop hook fails, the runtime MUST log a warning, but the remaining hooks and lifecycle continue".
    runHooks(context.native, 'poststop', record, (problem) => context.log.warn(problem))
  }
  context.native.removeDirectory(directory, CGROUP_LINK)
}
