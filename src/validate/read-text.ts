import type { Native } from '../native.ts'

/** A file of /proc or /sys; '' if it cannot be read. */
export function readText(native: Native, path: string): string {
  try {
    return native.readFile(path)
  } catch {
    return ''
  }
}
