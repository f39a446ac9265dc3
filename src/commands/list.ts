// list: prints the containers of a state root, as a table, as JSON or as ids.

import { type Run, STDOUT } from '../cli/context.ts'
import { listContainers } from '../state/list-containers.ts'
import type { StateObject } from '../state/state-object.ts'

const HEADINGS = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']
const NARROWEST = 12
const GAP = 3

export const list: Run<'list'> = (context, { format, quiet }) => {
  const { native, globals, log } = context
  const states = listContainers(native, globals.root, log.warn)
  if (quiet) native.write(STDOUT, states.map(({ id }) => `${id}\n`).join(''))
  else if (format === 'json') native.write(STDOUT, `${JSON.stringify(states)}\n`)
  else native.write(STDOUT, table(states))
  return 0
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
