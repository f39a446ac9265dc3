// resume (runc-resume(8)): resumes a paused container.

import type { Run } from '../cli/context.ts'
import { RuntError } from '../errors.ts'
import { thawContainer } from '../state/freeze.ts'
import { withContainer } from '../state/lock-container.ts'
import { requireCgroups } from '../state/record.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'

export const resume: Run<'resume'> = ({ native, globals }, _flags, [id = '']) =>
  withContainer(native, stateRoot(native, globals.root).path, id, ({ directory, record }) => {
    requireCgroups(record)
    if (containerStatus(native, directory, record) !== 'paused') throw new RuntError('state', 'container not paused')
    thawContainer(native, record)
    return 0
  })
