// create (runtime.md, "create"): everything but the user's program runs; that waits for `start`.

import type { Run } from './context.ts'
import { launchContainer } from './launch-container.ts'

export const create: Run<'create'> = (context, flags, [id = '']) => {
  launchContainer(context, id, flags, { mode: 'create', terminal: 'sent', signals: 'leave', seccomp: 'loaded' })
  return 0
}
