// Loads a container's record by id, and says what is missing or broken.

import { errnoOf, hostFailure } from '../errno.ts'
import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { type ContainerRecord, LAUNCH_FILE, parseRecord, STATE_FILE } from './record.ts'
import { checkId } from './state-root.ts'

export interface Container {
  readonly directory: string
  readonly record: ContainerRecord
}

/** The result of reading a state directory: no directory, no usable record (why), or a record. */
export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly directory: string; readonly reason: string }
  | ({ readonly kind: 'container' } & Container)

/** runc's words, which engines search for, and where was looked: a wrong --root, or another user's, is the usual cause. */
export const noSuchContainer = (root: string): RuntError =>
  new RuntError('state', `container does not exist in ${root} (see --root)`)

/** Throws if there is no such container, or its record cannot be read. */
export function loadContainer(native: Native, root: string, id: string): Container {
  const found = findContainer(native, root, id)
  if (found.kind === 'container') return found
  if (found.kind === 'none') throw noSuchContainer(root)
  throw new RuntError('state', `${found.directory}: ${found.reason}; "runt delete --force ${id}" removes the container`)
}

export function findContainer(native: Native, root: string, id: string): Found {
  checkId(id)
  const directory = `${root}/${id}`
  const state = readRecord(native, `${directory}/${STATE_FILE}`)
  if (typeof state === 'object') return { kind: 'container', directory, record: state }
  const launch = state === undefined ? readRecord(native, `${directory}/${LAUNCH_FILE}`) : undefined
  if (typeof launch === 'object') return { kind: 'container', directory, record: launch }
  if (state === undefined && launch === undefined && !native.exists(directory)) return { kind: 'none' }
  return { kind: 'broken', directory, reason: state ?? launch ?? 'no state.json' }
}

/**
 * The record for `delete --force`: state.json, or if that is broken, launch.json, which has the cgroups. If only launch.json exists, somebody
 * may have removed state.json: the container's process is then found in the cgroups.
 */
export function salvageRecord(native: Native, directory: string): ContainerRecord | undefined {
  for (const file of [STATE_FILE, LAUNCH_FILE]) {
    const record = readRecord(native, `${directory}/${file}`)
    if (typeof record === 'object') return record
  }
  return undefined
}

/** The record; undefined if there is no such file; or what is wrong with it. */
function readRecord(native: Native, path: string): ContainerRecord | string | undefined {
  let text: string
  try {
    text = native.readFile(path)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw hostFailure(path, error)
  }
  try {
    return parseRecord(text)
  } catch (error) {
    const file = path.slice(path.lastIndexOf('/') + 1)
    return text === '' ? `${file} is empty` : `${file}: ${error instanceof Error ? error.message : String(error)}`
  }
}
