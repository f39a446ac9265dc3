// state (runtime.md, "query state"): one JSON object, in runc's layout.

import { loadContainer } from '../state/load-container.ts'
import { stateObject } from '../state/state-object.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'
import { type Run, STDOUT } from './context.ts'

export const state: Run<'state'> = ({ native, globals }, _flags, [id = '']) => {
  const { directory, record } = loadContainer(native, stateRoot(native, globals.root).path, id)
  const status = containerStatus(native, directory, record)
  native.write(STDOUT, `${JSON.stringify(stateObject(record, status), null, 2)}\n`)
  return 0
}
