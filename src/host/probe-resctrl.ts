// Reads the host's resctrl file system for a container with linux.intelRdt (config-linux.md "IntelRdt"); not for
// others, because the spec forbids it.

import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'
import { type ResctrlFacts, rdtGroup } from '../plan/intel-rdt.ts'

export function probeResctrl(native: Native, { linux: { intelRdt } }: Config, id: string): ResctrlFacts | undefined {
  if (intelRdt === undefined) return undefined
  const mountpoint = findResctrl(native)
  if (mountpoint === undefined) return {}
  const file = `${mountpoint}${rdtGroup(intelRdt, id)}/schemata`
  return native.exists(file) ? { mountpoint, schemata: native.readFile(file) } : { mountpoint }
}

/** Its mount point (proc_pid_mountinfo(5)). */
export function findResctrl(native: Native): string | undefined {
  const mountinfo = native.readFile('/proc/self/mountinfo')
  const line = mountinfo.split('\n').find((candidate) => candidate.includes(' - resctrl '))
  return line?.split(' ')[4]
}
