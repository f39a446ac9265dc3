// pause (runc-pause(8)): suspends all processes of a container (state/freeze.ts).

import type { Run } from '../cli/context.ts'
import { RuntError } from '../errors.ts'
import { freezeContainer } from '../state/freeze.ts'
import { withContainer } from '../state/lock-container.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'

export const pause: Run<'pause'> = ({ native, globals }, _flags, [id = '']) =>
  withContainer(native, stateRoot(native, globals.root).path, id, ({ directory, record }) => {
    const status = containerStatus(native, directory, record)
    if (status === 'paused') throw new RuntError('state', 'container already paused')
    if (status !== 'running' && status !== 'created') throw new RuntError('state', 'container not running')
    freezeContainer(native, record)
    return 0
  })
