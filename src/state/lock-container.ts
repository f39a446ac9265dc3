// One command at a time changes a container: finds it, waits for its lock, which ends with the process, and reads its record again,
// which another command may have changed meanwhile.

import type { Native } from '../native.ts'
import { type Container, loadContainer } from './load-container.ts'

export function lockContainer(native: Native, root: string, id: string): Container {
  native.lock(loadContainer(native, root, id).directory, 'wait')
  return loadContainer(native, root, id)
}
