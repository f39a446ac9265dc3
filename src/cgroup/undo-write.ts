/**
 * What puts a cgroup's file back as it was before a write, for an update that fails half-way. Files hold one value, or a line
 * for each device that has one (kernel Documentation/admin-guide/cgroup-v2.rst, IO; cgroup-v1/blkio-controller.rst).
 */

/** `data` is to be written to a file whose text is `text` now. undefined: nothing is known that takes it back. */
export function undoWrite(data: string, text: string): string | undefined {
  const [, device, key] = /^(\d+:\d+) (?:(\w+)=)?/.exec(data) ?? []
  if (device === undefined) {
    const value = text.trimEnd()
    return value === '' || value.includes('\n') ? undefined : value
  }
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${device} `)) ?? ''
  // v1 takes a limit away by 0, v2 by `max`.
  if (key === undefined) return `${device} ${line.slice(device.length + 1) || '0'}`
  const known = line.split(' ').find((field) => field.startsWith(`${key}=`))
  return `${device} ${known ?? `${key}=max`}`
}
