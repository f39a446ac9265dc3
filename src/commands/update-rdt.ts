// The resctrl part of `update` (runc-update(8), --l3-cache-schema and --mem-bw-schema): finds the class of service, and
// restores it if the update fails. plan/intel-rdt.ts decides what is written.

import { RuntError } from '../errors.ts'
import { findResctrl } from '../host/probe-resctrl.ts'
import type { Native } from '../native.ts'
import { planRdtUpdate, type RdtCandidate, type RdtRecord } from '../plan/intel-rdt.ts'
import { cgroupProcesses } from '../state/cgroup-processes.ts'
import { type ContainerRecord, mainCgroup } from '../state/record.ts'
import type { Step } from '../steps/launch-plan.ts'

export interface RdtFlags {
  readonly 'l3-cache-schema': string | undefined
  readonly 'mem-bw-schema': string | undefined
}

export interface RdtChange {
  readonly steps: readonly Step[]
  /** For the container's record. */
  readonly rdt: RdtRecord
  /** The previous schemata; undefined for a new class. */
  readonly before: { readonly path: string; readonly text: string } | undefined
}

/** undefined: neither flag was given. */
export function planRdtChange(native: Native, record: ContainerRecord, flags: RdtFlags): RdtChange | undefined {
  const l3CacheSchema = flags['l3-cache-schema']
  const memBwSchema = flags['mem-bw-schema']
  if (!l3CacheSchema && !memBwSchema) return undefined
  const planned = planRdtUpdate(
    { ...(l3CacheSchema && { l3CacheSchema }), ...(memBwSchema && { memBwSchema }) },
    record.rdt ?? candidate(native, record, l3CacheSchema ? '--l3-cache-schema' : '--mem-bw-schema'),
  )
  const [tasks = ''] = planned.rdt.tasks
  const path = `${tasks.slice(0, tasks.lastIndexOf('/'))}/schemata`
  return { ...planned, before: native.exists(path) ? { path, text: native.readFile(path) } : undefined }
}

function candidate(native: Native, record: ContainerRecord, flag: string): RdtCandidate {
  const mountpoint = findResctrl(native)
  if (mountpoint === undefined) {
    throw new RuntError('host', `${flag}: no resctrl file system is mounted`, { path: flag })
  }
  const group = `${mountpoint}/${record.id}`
  const cgroup = mainCgroup(record)
  const pids = cgroup === undefined ? [record.pid] : cgroupProcesses(native, cgroup)
  return { group, exists: native.exists(group), pids }
}

/** Restores what the kernel allows: an error has been reported already. */
export function undoRdtChange(native: Native, { rdt, before }: RdtChange): void {
  try {
    if (before !== undefined) native.writeFile(before.path, before.text, 0o644)
    else for (const directory of rdt.directories) native.rmdir(directory)
  } catch {
    // it was not changed or not created
  }
}
