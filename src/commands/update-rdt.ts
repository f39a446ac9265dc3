// The part of `update` that concerns resctrl (runc-update(8), --l3-cache-schema and --mem-bw-schema): which class of service is meant,
// and how it is put back when the update fails. What is written is decided in plan/intel-rdt.ts.

import { RuntError } from '../errors.ts'
import type { Native } from '../native.ts'
import { planRdtUpdate, type RdtCandidate, type RdtRecord } from '../plan/intel-rdt.ts'
import type { Step } from '../plan/launch-plan.ts'
import { cgroupProcesses } from '../state/cgroup-processes.ts'
import { type ContainerRecord, mainCgroup } from '../state/record.ts'
import { findResctrl } from './probe-resctrl.ts'

export interface RdtFlags {
  readonly 'l3-cache-schema': string | undefined
  readonly 'mem-bw-schema': string | undefined
}

export interface RdtChange {
  readonly steps: readonly Step[]
  /** For the container's record. */
  readonly rdt: RdtRecord
  /** The schemata of before: absent for a class that is new. */
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

/** As far as the kernel lets it: an error has been reported already. */
export function undoRdtChange(native: Native, { rdt, before }: RdtChange): void {
  try {
    if (before !== undefined) native.writeFile(before.path, before.text, 0o644)
    else for (const directory of rdt.directories) native.rmdir(directory)
  } catch {
    // Never changed, or never made.
  }
}
