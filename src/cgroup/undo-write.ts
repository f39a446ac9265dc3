/**
 * Computes the write that restores a cgroup's file, for an update that fails half-way. Files contain one value, or a
 * line for each device that has one (kernel Documentation/admin-guide/cgroup-v2.rst, IO;
 * cgroup-v1/blkio-controller.rst).
 */

/** `data` will be written to a file that contains `text`. undefined: there is no way to undo it. */
export function undoWrite(data: string, text: string): string | undefined {
  const [, device, key] = /^(\d+:\d+) (?:(\w+)=)?/.exec(data) ?? []
  if (device === undefined) {
    const value = text.trimEnd()
    return value === '' || value.includes('\n') ? undefined : value
  }
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${device} `)) ?? ''
  // v1 removes a limit with 0, v2 with `max`.
  if (key === undefined) return `${device} ${line.slice(device.length + 1) || '0'}`
  const known = line.split(' ').find((field) => field.startsWith(`${key}=`))
  return `${device} ${known ?? `${key}=max`}`
}
