// The state as printed by `state` and `list` and as passed to hooks (runtime.md, State), with runc's additions: rootfs,
// created
// and owner.

import type { StringMap } from '../config/config.ts'
import type { ContainerRecord } from './record.ts'
import type { Status } from './status.ts'

export interface StateObject {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: Status
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: StringMap
  readonly owner: string
}

/** Keys in runc's order; annotations only if there are any. */
export function stateObject(record: ContainerRecord, status: Status): StateObject {
  const { ociVersion, id, pid, bundle, rootfs, created, annotations, owner } = record
  const shownPid = status === 'stopped' ? 0 : pid
  const head = { ociVersion, id, pid: shownPid, status, bundle, rootfs, created }
  return Object.keys(annotations).length === 0 ? { ...head, owner } : { ...head, annotations, owner }
}
