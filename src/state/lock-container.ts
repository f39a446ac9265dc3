// One command at a time changes a container: finds it, takes its lock and reads its record again, which another command may
// have changed meanwhile.

import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { type Container, loadContainer } from './load-container.ts'
import { withLock } from './lock.ts'

export async function withContainer<T>(
  native: Native,
  root: string,
  id: string,
  action: (container: Container) => T | Promise<T>,
): Promise<T> {
  // Says what is missing, where there is no such container.
  const { directory } = loadContainer(native, root, id)
  const done = await withLock(native, directory, async () => ({
    result: await action(loadContainer(native, root, id)),
  }))
  if (done === undefined) throw new RuntError('state', 'container does not exist')
  return done.result
}
