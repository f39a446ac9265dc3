// The containers of a state root. Skips other directories with a warning.

import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'
import { findContainer } from './load-container.ts'
import { type StateObject, stateObject } from './state-object.ts'
import { idProblem, type StateRoot, stateRoot } from './state-root.ts'
import { containerStatus } from './status.ts'

export function listContainers(
  native: Native,
  option: string | undefined,
  warn: (message: string) => void,
): readonly StateObject[] {
  const root = stateRoot(native, option)
  const states: StateObject[] = []
  for (const id of directoryNames(native, root)) {
    try {
      const found = idProblem(id) === undefined ? findContainer(native, root.path, id) : { kind: 'none' as const }
      if (found.kind === 'container') {
        states.push(stateObject(found.record, containerStatus(native, found.directory, found.record)))
      } else if (found.kind === 'broken') {
        warn(`skipping ${id}: ${found.reason}`)
      }
    } catch (error) {
      warn(`skipping ${id}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return states
}

/** Sorted by id. A missing default root has no containers; a missing root of --root is an error. */
function directoryNames(native: Native, root: StateRoot): readonly string[] {
  try {
    return [...native.readDirectory(root.path)].sort()
  } catch (error) {
    if (root.isDefault && errnoOf(error) === 'ENOENT') return []
    throw hostFailure(`state root ${root.path}`, error)
  }
}
