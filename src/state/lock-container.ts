// Only one command at a time may change a container: finds it, takes its lock and reads its record again, because
// another command may have changed it meanwhile.

import type { Native } from '../native.ts'
import { type Container, loadContainer, noSuchContainer } from './load-container.ts'
import { withLock } from './lock.ts'

export function withContainer<T>(native: Native, root: string, id: string, action: (container: Container) => T): T {
  // Throws if there is no such container.
  const { directory } = loadContainer(native, root, id)
  const done = withLock(native, directory, () => ({ result: action(loadContainer(native, root, id)) }))
  if (done === undefined) throw noSuchContainer(root)
  return done.result
}
