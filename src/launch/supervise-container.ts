// What `run` and `restore` share in the foreground: waiting for the container's process, forwarding signals and its
// terminal.

import type { Context } from '../cli/context.ts'
import { killInit } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import { removeContainer } from './remove-container.ts'

/**
 * If anything fails here, the container's process is killed: nothing would supervise it. `keep`: leaves the container
 * for `delete`.
 */
export function superviseContainer(
  context: Context,
  container: Container,
  end: 'remove' | 'keep',
  supervise: () => number,
): number {
  try {
    return supervise()
  } catch (error) {
    killInit(context.native, container.record)
    throw error
  } finally {
    if (end === 'remove') removeContainer(context, container, 'spare')
  }
}
