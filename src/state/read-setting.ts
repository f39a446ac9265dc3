import type { Native } from '../native.ts'

/** The content of a cgroup's file; undefined if it cannot be read. */
export function readSetting(native: Native, path: string): string | undefined {
  try {
    return native.readFile(path).trimEnd()
  } catch {
    return undefined
  }
}
