// Finds the sources of bind mounts that are symbolic links and are to be copied as such (plan/mount-links.ts).

import type { Config } from '../config/config.ts'
import type { Native } from '../native.ts'
import { sourcePath } from '../plan/mount-links.ts'

/** The links by path; undefined if no mount asks. */
export function probeLinks(
  native: Native,
  { mounts }: Config,
  bundle: string,
): ReadonlyMap<string, string> | undefined {
  let links: Map<string, string> | undefined
  for (const mount of mounts) {
    if (!mount.options.includes('copy-symlink')) continue
    const path = sourcePath(mount, bundle)
    const target = native.readLink(path)
    links ??= new Map()
    if (target !== undefined) links.set(path, target)
  }
  return links
}
