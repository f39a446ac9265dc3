import type { Native } from '../native.ts'

/** The content of a file of a cgroup, or of /proc, /sys or /etc, without its last line break; undefined if it cannot be read. */
export function readSetting(native: Native, path: string): string | undefined {
  try {
    return native.readFile(path).trimEnd()
  } catch {
    return undefined
  }
}
