// What `run` and `restore` have in common in the foreground: they stand for a container's process until it ends.

import { killInit } from '../state/destroy-container.ts'
import type { Container } from '../state/load-container.ts'
import type { Context } from './context.ts'
import { removeContainer } from './remove-container.ts'

/** Whatever goes wrong here, no process stays that nobody watches. `keep`: the container is left for `delete`. */
export async function superviseContainer(
  context: Context,
  container: Container,
  end: 'remove' | 'keep',
  supervise: () => number | Promise<number>,
): Promise<number> {
  try {
    return await supervise()
  } catch (error) {
    killInit(context.native, container.record)
    throw error
  } finally {
    if (end === 'remove') await removeContainer(context, container, 'spare')
  }
}
