// Finds out what the sources of a container's mounts are on the host, by opening them as `create` does, without magic
// links.

import { errnoPhrase } from '../errno.ts'
import { hostTable, identityOf, type MountLine } from '../host/mount-table.ts'
import type { Native } from '../native.ts'
import { O_CLOEXEC, O_NOFOLLOW, O_PATH, RESOLVE_NO_MAGICLINKS } from '../steps/constants.ts'
import type { LaunchPlan } from '../steps/launch-plan.ts'
import { allMounts, type ExternalMount } from './external.ts'
import type { Found, FoundMount } from './name-mounts.ts'
import { planStaging, type Staging } from './staging.ts'

/** Each mount that may be named, with the current identity of its source. */
export function findMounts(native: Native, mounts: readonly ExternalMount[]): FoundMount[] {
  const table = hostTable(native)
  const known = new Map<string, Source>()
  const look = (mount: ExternalMount): Source => {
    const key = JSON.stringify([mount.isOnLink, mount.link, mount.source])
    const source = known.get(key) ?? find(native, mount, table)
    known.set(key, source)
    return source
  }
  const all = allMounts(mounts, table, (mount) => look(mount).path)
  return all.map((mount) => ({ mount, found: look(mount).found }))
}

interface Source {
  /** Its real path, if it could be opened. */
  readonly path?: string
  readonly found: Found
}

function find(native: Native, { source, from, link, isOnLink }: ExternalMount, table: readonly MountLine[]): Source {
  if (isOnLink) return { found: { problem: 'CRIU does not mount over a symbolic link (dest-nofollow)' } }
  if (link !== 0 && native.readLink(source) !== undefined)
    return { found: { problem: 'CRIU does not mount a symbolic link' } }
  const event = native.launch(planOpen(from, source, link === 0 ? 0 : O_NOFOLLOW))
  if (event.kind !== 'done') return { found: { problem: event.kind === 'failed' ? errnoPhrase(event.code) : 'paused' } }
  try {
    const path = native.readLink(`/proc/self/fd/${event.kept}`) ?? ''
    const mount = /^mnt_id:\s*(\d+)$/m.exec(native.readFile(`/proc/self/fdinfo/${event.kept}`))?.[1] ?? ''
    return { path, found: identityOf(table, path, mount) ?? { problem: 'is on no mount of this namespace' } }
  } finally {
    native.close(event.kept)
  }
}

/** The only slot is kept open; the caller reads it and closes it. */
function planOpen(from: string, path: string, flags: number): LaunchPlan {
  const into = 1
  return {
    slots: ['sync', 'source'],
    runtimeSteps: [
      { op: 'openat2', from, path, flags: O_PATH | O_CLOEXEC | flags, resolve: RESOLVE_NO_MAGICLINKS, into },
      { op: 'keep', from, fd: into },
    ],
    containerSteps: [],
  }
}

/** For `restore`: all mounts that may be named, and where CRIU finds them. The plan reports missing sources. */
export function stageMounts(native: Native, mounts: readonly ExternalMount[], directory: string): Staging {
  const table = hostTable(native)
  const realPath = ({ source }: ExternalMount): string | undefined => {
    try {
      return native.realpath(source)
    } catch {
      return undefined
    }
  }
  return planStaging(allMounts(mounts, table, realPath), table, realPath, directory)
}
