// create (runtime.md, "create"): sets up the container; the user's program waits for `start`.

import type { Run } from '../cli/context.ts'
import { launchContainer } from '../launch/launch-container.ts'

export const create: Run<'create'> = (context, flags, [id = '']) => {
  launchContainer(context, id, flags, { mode: 'create', terminal: 'sent', signals: 'leave', seccomp: 'loaded' })
  return 0
}
