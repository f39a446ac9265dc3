// state (runtime.md, "query state"): one JSON object, in runc's layout.

import { loadContainer } from '../state/load-container.ts'
import { stateObject } from '../state/state-object.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import { type Run, STDOUT } from './context.ts'

export const state: Run<'state'> = ({ native, globals }, _flags, [id = '']) => {
  const { directory, record } = loadContainer(native, stateRoot(native, globals.root).path, id)
  const status = containerStatus(native, directory, record)
  // runc names the owner in lists only, and those who compare the two must not see a difference.
  const object = { ...stateObject(record, status), owner: '' }
  native.write(STDOUT, `${JSON.stringify(object, null, 2)}\n`)
  return 0
}
