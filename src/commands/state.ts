// state (runtime.md, "query state"): prints one JSON object in runc's layout.

import { type Run, STDOUT } from '../cli/context.ts'
import { loadContainer } from '../state/load-container.ts'
import { stateObject } from '../state/state-object.ts'
import { stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'

export const state: Run<'state'> = ({ native, globals }, _flags, [id = '']) => {
  const { directory, record } = loadContainer(native, stateRoot(native, globals.root).path, id)
  const status = containerStatus(native, directory, record)
  // runc prints the owner in lists only, and tools that compare the output must not see a difference.
  const object = { ...stateObject(record, status), owner: '' }
  native.write(STDOUT, `${JSON.stringify(object, null, 2)}\n`)
  return 0
}
