// list: prints the containers of a state root, as a table, as JSON or as ids. Skips other directories with a warning.

import { type Context, type Run, STDOUT } from '../cli/context.ts'
import { errnoOf, hostFailure } from '../errno.ts'
import type { Native } from '../native.ts'
import { findContainer } from '../state/load-container.ts'
import { type StateObject, stateObject } from '../state/state-object.ts'
import { idProblem, type StateRoot, stateRoot } from '../state/state-root.ts'
import { containerStatus } from '../state/status.ts'

const HEADINGS = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']
const NARROWEST = 12
const GAP = 3

export const list: Run<'list'> = (context, { format, quiet }) => {
  const states = containers(context)
  if (quiet) context.native.write(STDOUT, states.map(({ id }) => `${id}\n`).join(''))
  else if (format === 'json') context.native.write(STDOUT, `${JSON.stringify(states)}\n`)
  else context.native.write(STDOUT, table(states))
  return 0
}

function containers({ native, globals, log }: Context): readonly StateObject[] {
  const root = stateRoot(native, globals.root)
  const states: StateObject[] = []
  for (const id of directoryNames(native, root)) {
    try {
      const found = idProblem(id) === undefined ? findContainer(native, root.path, id) : { kind: 'none' as const }
      if (found.kind === 'container') {
        states.push(stateObject(found.record, containerStatus(native, found.directory, found.record)))
      } else if (found.kind === 'broken') {
        log.warn(`skipping ${id}: ${found.reason}`)
      }
    } catch (error) {
      log.warn(`skipping ${id}: ${error instanceof Error ? error.message : String(error)}`)
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

/** Aligns columns as Go's tabwriter does for runc: the last one is not padded. */
export function table(states: readonly StateObject[]): string {
  const rows = states.map((state) => [
    state.id,
    String(state.pid),
    state.status,
    state.bundle,
    state.created,
    state.owner,
  ])
  const all = [HEADINGS, ...rows]
  const widths = HEADINGS.map((_, column) => Math.max(NARROWEST, ...all.map((row) => (row[column] ?? '').length + GAP)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('')
  return all.map((row) => `${line(row)}\n`).join('')
}
