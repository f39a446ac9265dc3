/**
 * Converts a list of CPUs or memory nodes to the bit mask that systemd's AllowedCPUs= and AllowedMemoryNodes= take over
 * D-Bus: bytes, lowest numbers first.
 */

/** A limit for the size of the mask. */
const MAX_MEMBER = 65535

/** `1,3-5` as bytes; undefined if it is not such a list, or empty. */
export function cpuMask(list: string): Uint8Array | undefined {
  const members: number[] = []
  for (const item of list.split(',')) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(item)
    if (match === null && item.trim() !== '') return undefined
    if (match === null) continue
    const first = Number(match[1])
    const last = Number(match[2] ?? first)
    if (last < first || last > MAX_MEMBER) return undefined
    for (let member = first; member <= last; member++) members.push(member)
  }
  if (members.length === 0) return undefined
  const mask = new Uint8Array((Math.max(...members) >> 3) + 1)
  for (const member of members) mask[member >> 3] = (mask[member >> 3] as number) | (1 << (member & 7))
  return mask
}
