/**
 * Lists of CPUs and of memory nodes in the notation of cpuset(7), "List format": `0-3,7`. For lists that the runtime
 * converts to a mask (execCPUAffinity, memoryPolicy); cpuset files get the text unchanged.
 */

/** Higher than any kernel's number of CPUs or nodes; limits the length of the list for `0-4294967295`. */
const MAX_ID = 65535

/**
 * The numbers of the list, in its order; undefined if it is malformed. Blanks around numbers are allowed, as in runc.
 */
export function parseIdList(text: string): readonly number[] | undefined {
  const ids: number[] = []
  for (const part of text.split(',')) {
    const range = part.trim()
    if (range === '') continue
    const ends = range.split('-').map(parseId)
    const [first, last] = [ends[0], ends.at(-1)]
    if (first === undefined || last === undefined || ends.length > 2 || last < first) return undefined
    for (let id = first; id <= last; id++) ids.push(id)
  }
  return ids
}

function parseId(text: string): number | undefined {
  const digits = text.trim()
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined
  const id = Number(digits)
  return id <= MAX_ID ? id : undefined
}
