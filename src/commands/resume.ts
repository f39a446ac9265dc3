// resume (runc-resume(8)): lets a paused container go on.

import { RuntError } from '../errors.ts'
import { thawContainer } from '../state/freeze.ts'
import { lockContainer } from '../state/lock-container.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import type { Run } from './context.ts'

export const resume: Run<'resume'> = ({ native, globals }, _flags, [id = '']) => {
  const { directory, record } = lockContainer(native, stateRoot(native, globals.root).path, id)
  if (containerStatus(native, directory, record) !== 'paused') throw new RuntError('state', 'container not paused')
  thawContainer(native, record)
  return 0
}
